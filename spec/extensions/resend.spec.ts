import { resend } from '../../src/features/redelivery/resend.ts';
import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/server.ts';
import { AckedOutbox } from '../../src/features/redelivery/acked-outbox.ts';
import { ResendOutbox } from '../../src/features/redelivery/resend-outbox.ts';
import { Server } from '../../src/index.ts';
import { extensionContract } from '../core/contracts/extension.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, socket, stream, type Wire } from '../support/fake-conduit.ts';

extensionContract('resend', () => resend({ maxQueue: 100, maxQueueBytes: 100_000 }));

const now = { advice: { timeout: 0 } };

/** Data of events; those that say they are repeated stand as text with a mark. */
const brought = ({ events }: FakeConduit): unknown[] =>
  events.map(({ data, ext }) => ((ext as Wire | undefined)?.redelivered === true ? `${data}'` : data));

/** A client that has connected once. */
async function open(via?: FakeConduit, settings: ServerSettings = {}) {
  const { server, clock } = serve({ redelivery: 'resend', ...settings });
  const client = await FakeClient.connected(server, via);
  const deliver = async (...data: readonly unknown[]) => {
    for (const one of data) client.session.deliver('/a', one);
    await client.flushed();
  };
  return { server, clock, client, deliver, connect: client.connect.bind(client) };
}

describe('what a lost connect reply brought (DL-13)', () => {
  it('comes again before all else, marked, when CometD asks for an answer at once', async () => {
    const { connect, deliver } = await open();
    const lost = await connect();
    await deliver(1, 2);
    expect(brought(lost)).toEqual([1, 2]);
    await deliver(3);
    const next = await connect(now);
    expect(brought(next)).toEqual(["1'", "2'", 3]);
    expect(next.events[0]).toEqual({ channel: '/a', data: 1, ext: { redelivered: true } });
    expect(brought(await connect(now))).toEqual(["1'", "2'", "3'"]);
    const held = await connect();
    expect(held.messages).toEqual([]);
    await deliver(4);
    expect(brought(held)).toEqual([4]);
  });

  it('comes again when Faye sends its connect once more, which is not held then', async () => {
    const { connect, deliver } = await open();
    await connect({ id: 'x' });
    await deliver(1);
    const again = await connect({ id: 'x' });
    expect(brought(again)).toEqual(["1'"]);
    expect(again.reply.id).toBe('x');
    expect((await connect({ id: 'y' })).messages).toEqual([]);
  });

  it('comes again after the very first connect too', async () => {
    const { server } = serve({ redelivery: 'resend' });
    const client = await FakeClient.open(server);
    client.session.deliver('/a', 1);
    expect(brought(await client.connect(now))).toEqual([1]);
    expect(brought(await client.connect(now))).toEqual(["1'"]);
  });

  it('does not come again after a connect that shows nothing, nor when the one before was never answered', async () => {
    const { client, connect, deliver } = await open();
    await connect();
    await deliver(1);
    const held = await connect();
    client.lose(held);
    expect((await connect(now)).events).toEqual([]);
  });

  it('does not come again when others came with the connect, unless it repeats its id', async () => {
    const { client, connect, deliver } = await open();
    const batch = (connectFields: Wire) =>
      client.send([
        client.message('/meta/connect', connectFields),
        client.message('/meta/subscribe', { subscription: '/b' }),
      ]);
    await connect({ id: 'x' });
    await deliver(1);
    expect(brought(await batch({ id: 'x', ...now }))).toEqual(["1'"]);
    expect(brought(await batch({ id: 'y', ...now }))).toEqual([]);
  });

  it('does not come again after a connect that failed in between', async () => {
    const { connect, deliver } = await open();
    await connect();
    await deliver(1);
    expect((await connect({ connectionType: 'flash' })).reply.successful).toBe(false);
    expect((await connect(now)).events).toEqual([]);
  });

  it('waits where the connect that showed it failed', async () => {
    const { connect, deliver } = await open();
    await connect();
    await deliver(1);
    const failed = await connect({ connectionType: 'flash', ...now });
    expect([failed.reply.successful, failed.events]).toEqual([false, []]);
    expect(brought(await connect())).toEqual(["1'"]);
  });

  it('is marked for good: where the repetition did not leave whole it comes once more', async () => {
    const { client, connect, deliver } = await open();
    await connect();
    await deliver(1);
    const stuck = exchange({ slow: true });
    await connect(now, stuck);
    expect(brought(stuck)).toEqual(["1'"]);
    const held = await connect();
    await deliver(2);
    expect(held.messages).toEqual([]);
    client.lose(stuck);
    await client.flushed();
    expect(brought(held)).toEqual(["1'", 2]);
  });

  it('is not marked when the server itself saw that it did not leave (DL-8)', async () => {
    const { client, connect, deliver } = await open();
    const stuck = exchange({ slow: true });
    await connect({}, stuck);
    await deliver(1);
    expect(brought(stuck)).toEqual([1]);
    client.lose(stuck);
    expect(brought(await connect(now))).toEqual([1]);
  });

  it('is cut as any response is, the rest comes with the next connect, at once (DL-11)', async () => {
    const { connect, deliver } = await open();
    await connect();
    await deliver(1, 2, 3);
    const small = () => exchange({ maxBytes: 370 });
    expect(brought(await connect(now, small()))).toEqual(["1'", "2'"]);
    expect(brought(await connect({}, small()))).toEqual(["3'"]);
    expect((await connect({}, small())).messages).toEqual([]);
  });

  it('is kept within the limits of the queue, and overflows nothing (DL-10)', async () => {
    const { client, connect, deliver } = await open(undefined, { maxQueue: 2 });
    await connect();
    await deliver(1, 2);
    await deliver(3, 4);
    expect(brought(await connect(now))).toEqual(["1'", "2'", 3, 4]);
    await deliver(5, 6);
    expect(brought(await connect(now))).toEqual(["3'", "4'", 5, 6]);
    expect(client.session.state).toBe('idle');
  });

  it('is nothing a publisher can claim', async () => {
    const { client, connect } = await open(undefined, { forward: 'all' });
    await client.subscribe('/b');
    await client.send(client.message('/b', { data: 1, ext: { redelivered: true, x: 1 } }));
    expect((await connect()).events).toEqual([{ channel: '/b', data: 1, ext: { x: 1 } }]);
  });

  it('is not repeated for a session that acknowledges: that knows better', async () => {
    const { server } = serve({ redelivery: 'resend' });
    const client = await FakeClient.connected(server, exchange(), { ext: { ack: true } });
    expect([client.session.outbox instanceof AckedOutbox, client.session.deliverOnly]).toEqual([true, true]);
    client.session.deliver('/a', 1);
    const ext = { ack: 1 };
    expect(brought(await client.connect({ ext, ...now }))).toEqual([1]);
    expect(brought(await client.connect({ ext, ...now }))).toEqual([1]);
    expect(client.session.deliverOnly).toBe(true);
  });
});

describe('a session whose replies are sent again', () => {
  it.each([
    ['long-polling', undefined],
    ['cross-origin-long-polling', 'cross-origin-long-polling'],
    ['callback-polling', 'callback-polling'],
  ] as const)('gets its events by %s with connect replies only', async (_name, transport) => {
    const via = () => exchange(transport === undefined ? {} : { transport });
    const { client, connect, deliver } = await open(via());
    await deliver(1);
    const { messages } = await client.subscribe('/b', via());
    expect(messages).toHaveLength(1);
    expect(brought(await connect({}, via()))).toEqual([1]);
  });

  it('is an option of the package’s server', async () => {
    const clock = new FakeClock();
    const outboxes = ['unflushed', 'resend'] as const;
    for (const redelivery of outboxes) {
      const { session } = await FakeClient.open(new Server({ clock, redelivery }));
      const on = redelivery === 'resend';
      expect([session.outbox instanceof ResendOutbox, session.deliverOnly]).toEqual([on, on && 'polling']);
    }
    const asked = await FakeClient.open(new Server({ clock, redelivery: 'resend' }), exchange(), {
      ext: { ack: true },
    });
    expect(asked.session.outbox).toBeInstanceOf(AckedOutbox);
  });

  it('is none of the server’s own process', async () => {
    const { server } = serve({ redelivery: 'resend' });
    const local = await FakeClient.open(server, socket({ transport: 'in-process' }));
    expect(local.session.outbox).not.toBeInstanceOf(ResendOutbox);
  });
});

describe('what was pushed on a WebSocket since the last connect reply (DL-13)', () => {
  it('is pushed while the connect is held, and comes again on the socket whose connect shows the loss', async () => {
    const first = socket();
    const { server, connect, deliver } = await open(first);
    await connect({}, first);
    await deliver(1);
    await deliver(2);
    expect([brought(first), first.replies]).toEqual([
      [1, 2],
      [expect.anything(), expect.anything()],
    ]);
    server.lost(first.die());
    await deliver(3);
    const second = socket();
    await connect(now, second);
    expect(brought(second)).toEqual(["1'", "2'", 3]);
    expect(second.messages.at(-1)).toMatchObject({ channel: '/meta/connect', successful: true });
    await connect({}, second);
    await deliver(4);
    expect(brought(second)).toEqual(["1'", "2'", 3, 4]);
  });

  it('comes again when Faye repeats its connect there, which is held on', async () => {
    const first = socket();
    const { server, client, connect, deliver } = await open(first);
    await connect({ id: 'x' }, first);
    await deliver(1);
    server.lost(first.die());
    const second = socket();
    await connect({ id: 'x' }, second);
    await client.flushed();
    expect([brought(second), second.replies, client.session.state]).toEqual([["1'"], [], 'held']);
  });

  it('comes again when the socket broke before the next connect was sent: then that shows it by its way alone', async () => {
    const first = socket();
    const { server, connect, deliver } = await open(first);
    await deliver(1);
    server.lost(first.die());
    const second = socket();
    await connect({}, second);
    await deliver(2);
    expect(brought(second)).toEqual(["1'", 2]);
  });

  it('comes again although the server has not missed the first socket yet', async () => {
    const first = socket();
    const { connect, deliver } = await open(first);
    await connect({}, first);
    await deliver(1);
    const second = socket();
    await connect(now, second);
    expect(brought(second)).toEqual(["1'"]);
  });

  it('comes again by polling, when that is what the client falls back to', async () => {
    const first = socket();
    const { server, connect, deliver } = await open(first);
    await connect({}, first);
    await deliver(1);
    server.lost(first.die());
    expect(brought(await connect(now))).toEqual(["1'"]);
  });

  it('comes again by polling although the server has not missed the socket yet, and what is new with it', async () => {
    const { connect, deliver } = await open(socket());
    await deliver(1);
    expect(brought(await connect(now))).toEqual(["1'"]);
    await deliver(2);
    expect(brought(await connect())).toEqual([2]);
  });

  it('does not come again when it stood before a reply that has arrived; what followed it does', async () => {
    const first = socket();
    const { server, clock, connect, deliver } = await open(first);
    await connect({}, first);
    await deliver(1);
    await clock.tick(30_000);
    await deliver(2);
    await connect({}, first);
    await deliver(3);
    server.lost(first.die());
    const second = socket();
    await connect(now, second);
    expect(brought(second)).toEqual(["2'", "3'"]);
  });

  it('does not come again on the same socket, whatever the connect says', async () => {
    const wire = socket();
    const { connect, deliver } = await open(wire);
    await connect({ id: 'x' }, wire);
    await deliver(1);
    await connect({ id: 'x' }, wire);
    await connect({ id: 'y', ...now }, wire);
    await deliver();
    expect(brought(wire)).toEqual([1]);
  });

  it('stands before what is new, also where something else is the first to come by the new socket', async () => {
    const first = socket();
    const { server, client, connect, deliver } = await open(first);
    await connect({}, first);
    await deliver(1);
    server.lost(first.die());
    const second = socket();
    await client.publish('/x', 0, second);
    await deliver(2);
    expect(second.events).toEqual([]);
    await connect(now, second);
    await deliver(3);
    expect(brought(second)).toEqual(["1'", 2, 3]);
  });

  it('is not waited for while the first socket is there, whatever comes by another', async () => {
    const first = socket();
    const { client, connect, deliver } = await open(first);
    await connect({}, first);
    await deliver(1);
    await client.publish('/x', 0, socket());
    await deliver(2);
    expect([brought(first), client.session.state]).toEqual([[1, 2], 'held']);
  });

  it('is not waited for where nothing could have been lost', async () => {
    const first = socket();
    const { server, client, deliver } = await open(first);
    server.lost(first.die());
    const second = socket();
    await client.publish('/x', 0, second);
    await deliver(1);
    expect(brought(second)).toEqual([1]);
  });
});

describe('what was pushed on an event stream', () => {
  it('does not come again when a heartbeat is repeated: it went another way', async () => {
    const { server, client, connect, deliver } = await open();
    const events = stream();
    expect(server.joinStream(client.clientId, events)).toBe(true);
    const heartbeat = { id: 'x', connectionType: 'eventsource' };
    await connect(heartbeat);
    await deliver(1);
    expect((await connect(heartbeat)).events).toEqual([]);
    await deliver(2);
    expect(brought(events)).toEqual([1, 2]);
  });

  it('does not come again when a later heartbeat is repeated, either', async () => {
    const { server, client, connect, deliver } = await open();
    void server.joinStream(client.clientId, stream());
    const heartbeat = { connectionType: 'eventsource' };
    await connect(heartbeat);
    await deliver(1);
    await connect({ id: 'x', ...heartbeat });
    expect((await connect({ id: 'x', ...heartbeat })).events).toEqual([]);
    await deliver();
    expect(client.session.outbox.size).toBe(0);
  });
});

describe('while an event stream is open', () => {
  it('what a lost reply brought before comes again on it', async () => {
    const { server, client, connect, deliver } = await open();
    const heartbeat = { id: 'x', connectionType: 'eventsource' };
    await deliver(1);
    expect(brought(await connect(heartbeat))).toEqual([1]);
    const events = stream();
    void server.joinStream(client.clientId, events);
    await connect(heartbeat);
    await deliver(2);
    expect(brought(events)).toEqual(["1'", 2]);
  });

  it('what was lost with a socket before comes again on it', async () => {
    const wire = socket();
    const { server, client, connect, deliver } = await open(wire);
    await deliver(1);
    server.lost(wire.die());
    const events = stream();
    void server.joinStream(client.clientId, events);
    await deliver(2);
    await connect({ connectionType: 'eventsource' });
    await deliver(3);
    expect(brought(events)).toEqual([2, "1'", 3]);
  });
});
