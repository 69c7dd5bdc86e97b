import { describe, expect, it } from 'vitest';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { Flusher } from '../../src/core/delivery/flusher.ts';
import { ruled } from '../../src/core/delivery/rules.ts';
import { Histogram } from '../../src/lib/histogram.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';

const patterns = ['/a', '/slow', '/quick', '/now'];
const channels = { '/slow': { writeDelay: 50 }, '/quick': { writeDelay: 5 }, '/now': { writeDelay: 0 } };

/** A server whose events wait 20 ms, and a client of it with a socket. */
async function pushing() {
  const { server, clock } = serve({ writeDelay: 20, channels });
  server.takeSockets();
  const open = async () => {
    const conduit = socket();
    const client = await FakeClient.connected(server, conduit);
    for (const pattern of patterns) await client.subscribe(pattern, conduit);
    await client.connect({}, conduit);
    const before = conduit.batches.length;
    const came = () => conduit.batches.slice(before).map((batch) => batch.map(({ data }) => data));
    return { client, conduit, came };
  };
  return { server, clock, open };
}

/** A client that polls. */
async function polling() {
  const { server, clock } = serve({ writeDelay: 20, channels });
  const client = await FakeClient.connected(server);
  for (const pattern of patterns) await client.subscribe(pattern);
  return { server, clock, client };
}

/** A flusher, and a session that counts how often it was scheduled. */
function flushing() {
  const clock = new FakeClock();
  const session = {
    way: undefined,
    scheduled: 0,
    schedule() {
      session.scheduled += 1;
    },
    flush() {},
  };
  return { clock, flusher: new Flusher(clock, new Histogram([])), session };
}

describe('writeDelay', () => {
  it('lets events wait for others, and writes them together', async () => {
    const { server, clock, open } = await pushing();
    const [one, other] = [await open(), await open()];
    await server.publish('/a', 1);
    await clock.tick(19);
    await server.publish('/a', 2);
    expect([one.came(), other.came()]).toEqual([[], []]);
    await clock.tick(1);
    expect([one.came(), other.came()]).toEqual([[[1, 2]], [[1, 2]]]);
    await server.publish('/a', 3);
    await clock.tick(19);
    expect(one.came()).toHaveLength(1);
    await clock.tick(1);
    expect(one.came()).toEqual([[1, 2], [3]]);
  });

  it('has one timer for all sessions, and none that stays', async () => {
    const { server, clock, open } = await pushing();
    for (let count = 0; count < 3; count += 1) await open();
    const before = clock.pending;
    await server.publish('/a', 1);
    expect(clock.pending).toBe(before + 1);
    await clock.tick(20);
    expect(clock.pending).toBe(before);
  });

  it('of the channel takes precedence, and the shortest ends the wait of all, in order', async () => {
    const { server, clock, open } = await pushing();
    const { came } = await open();
    await server.publish('/slow', 1);
    await clock.tick(10);
    await server.publish('/quick', 2);
    await server.publish('/a', 3);
    await clock.tick(4);
    expect(came()).toEqual([]);
    await clock.tick(1);
    expect(came()).toEqual([[1, 2, 3]]);
    await clock.tick(100);
    expect(came()).toHaveLength(1);
  });

  it('of 0 takes along what waits', async () => {
    const { server, clock, open } = await pushing();
    const { came } = await open();
    await server.publish('/slow', 1);
    await server.publish('/now', 2);
    await clock.tick(0);
    expect(came()).toEqual([[1, 2]]);
  });

  it('holds a poll that comes meanwhile until it is over', async () => {
    const { server, clock, client } = await polling();
    await server.publish('/a', 1);
    const held = await client.connect();
    await clock.tick(19);
    await server.publish('/a', 2);
    expect(held.messages).toEqual([]);
    await clock.tick(1);
    expect(held.data).toEqual([1, 2]);
  });

  it('keeps no poll from events whose wait is over', async () => {
    const { server, clock, client } = await polling();
    await server.publish('/a', 1);
    await clock.tick(20);
    await server.publish('/a', 2);
    expect((await client.connect()).data).toEqual([1, 2]);
  });

  it('lets a volatile event wait too, if the client can be sent it', async () => {
    const { server, clock, open } = await pushing();
    const { came, conduit } = await open();
    await server.publish('/a', 1, { volatile: true });
    await clock.tick(20);
    expect(came()).toEqual([[1]]);
    conduit.full = true;
    await server.publish('/a', 2, { volatile: true });
    conduit.full = false;
    await clock.tick(20);
    expect(came()).toEqual([[1]]);
  });

  it('ends when the server closes: what waits is written', async () => {
    const { server, open } = await pushing();
    const { came } = await open();
    await server.publish('/slow', 1);
    await server.close();
    expect(came()[0]).toEqual([1]);
  });

  it('keeps a session once, however often others take along what waits', async () => {
    const { flusher, clock, session } = flushing();
    for (let count = 0; count < 3; count += 1) flusher.addWithin(session, 10);
    await clock.tick(10);
    expect(session.scheduled).toBe(1);
  });

  it('keeps no session that has gone, and no timer for it', async () => {
    const { server, clock, client } = await polling();
    await server.publish('/slow', 1);
    await server.publish('/a', 1);
    expect(clock.pending).toBeGreaterThan(2);
    await client.disconnect();
    expect(clock.pending).toBe(0);
  });

  it('goes on for the others when a session has gone', async () => {
    const { flusher, clock, session } = flushing();
    const other = flushing().session;
    flusher.addWithin(other, 10);
    flusher.addWithin(session, 10);
    flusher.forget(other);
    await clock.tick(10);
    expect([session.scheduled, other.scheduled]).toEqual([1, 0]);
  });

  it('is that of the node that writes the event', () => {
    const event = new OutgoingEvent({ channel: '/a', data: 1 });
    const rules = (writeDelay?: number) => ({
      isEmpty: false,
      patterns: [''],
      of: () => ({ writeDelay }),
      find: () => ({ rule: { writeDelay }, at: 0 }),
      patternOf: () => undefined,
    });
    expect(ruled(event, rules(7)).writeDelay).toBe(7);
    expect(ruled(event, rules())).toBe(event);
  });
});
