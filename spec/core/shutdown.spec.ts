import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import type { Server } from '../../src/server.ts';
import { exchange, type FakeConduit, socket, stream } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

describe('server.close (EX-7)', () => {
  it('ends what is held, open and joined, without a word, and leaves nothing', async () => {
    const { server, clock } = serve();
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    const [wire, mute, events] = [socket(), socket(), stream()];
    for (const conduit of [wire, mute]) server.join(conduit);
    const [polling, upgraded, streaming] = [
      await FakeClient.connected(server, exchange({ browser: 'b0123456' })),
      await FakeClient.connected(server, wire),
      await FakeClient.connected(server),
    ];
    await polling.subscribe('/a');
    void server.joinStream(streaming.clientId, events);
    const held = await polling.connect();
    await upgraded.connect({}, wire);
    wire.batches.length = 0;
    await server.close();
    for (const conduit of [held, wire, mute, events]) {
      expect([conduit.messages, conduit.ends]).toEqual([[], ['shutdown']]);
    }
    expect(reasons).toEqual(['shutdown', 'shutdown', 'shutdown']);
    expect([server.state, server.usage, clock.pending]).toEqual([
      'closed',
      { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
      0,
    ]);
  });

  it('turns away what comes after it', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    await server.close();
    for (const message of [handshake(), client.message('/a', { data: 1 }), client.message('/meta/connect')]) {
      const late = await ask(server, message);
      expect([late.messages, late.ends]).toEqual([[], ['shutdown']]);
    }
    const [wire, events] = [socket(), stream()];
    server.join(wire);
    expect([wire.ends, server.joinStream(client.clientId, events)]).toEqual([['shutdown'], false]);
    await expect(server.publish('/a', 1)).rejects.toMatchObject({ name: 'UsageError' });
  });

  it('may come while a policy thinks', async () => {
    let allow: (answer: boolean) => void = () => {};
    const { server, clock } = serve({
      policy: {
        canSubscribe: () =>
          new Promise<boolean>((resolve) => {
            allow = resolve;
          }),
      },
    });
    const client = await FakeClient.connected(server);
    const asked = client.subscribe('/a');
    await settle();
    await server.close();
    allow(true);
    expect((await asked).reply).toMatchObject({ error: '402::session_unknown' });
    expect([server.usage.channelNodes, clock.pending]).toEqual([0, 0]);
  });

  it('lets nobody in whom a policy was still thinking about', async () => {
    let allow: (answer: boolean) => void = () => {};
    const { server, clock } = serve({
      policy: {
        canHandshake: () =>
          new Promise<boolean>((resolve) => {
            allow = resolve;
          }),
      },
    });
    const asked = ask(server, handshake());
    await server.close();
    allow(true);
    expect((await asked).ends).toEqual(['capacity']);
    expect([server.usage.sessions, clock.pending]).toEqual([0, 0]);
  });

  it('closes the engine once, however often it is called', async () => {
    const engine = new MemoryEngine();
    let closed = 0;
    engine.close = async () => {
      closed += 1;
    };
    const { server } = serve({ engine });
    await Promise.all([server.close(), server.close()]);
    await server.close();
    expect(closed).toBe(1);
  });
});

describe('server.closed says', () => {
  const connected = (server: Server, count: number) =>
    Promise.all(upTo(count).map(() => FakeClient.connected(server)));

  it('how many sessions were cut off, however often it is called', async () => {
    const { server } = serve();
    await connected(server, 3);
    expect(server.closed).toBeUndefined();
    await Promise.all([server.close(), server.close()]);
    await server.close();
    expect(server.closed).toEqual({ sessions: 3, left: 0, ended: 3, ms: 0 });
  });

  it('how many left by themselves or were sent away, how many were cut off, and how long it took', async () => {
    const { server, clock } = serve({ drain: { window: 10_000 } });
    const [leaver, stubborn, ...polling] = await connected(server, 4);
    for (const client of [stubborn, ...polling]) await client?.connect();
    const closed = server.close();
    await leaver?.disconnect();
    await clock.tick(7_000);
    const wire = socket();
    server.join(wire);
    stubborn?.session.attach(wire);
    await clock.tick(3_000);
    await closed;
    expect(server.closed).toEqual({ sessions: 4, left: 3, ended: 1, ms: 10_000 });
  });
});

describe('a drain (EX-7)', () => {
  const window = 20_000;
  const tenth = window / 10;

  async function draining(count: number, conduits: (at: number) => FakeConduit = () => exchange()) {
    const { server, clock } = serve({ drain: { window }, maxInterval: window });
    const held = upTo(count).map(conduits);
    const clients: FakeClient[] = [];
    for (const conduit of held) {
      if (conduit.shape === 'socket') server.join(conduit);
      const client = await FakeClient.connected(server, conduit.shape === 'socket' ? conduit : undefined);
      conduit.batches.length = 0;
      await client.connect({}, conduit);
      clients.push(client);
    }
    return { server, clock, clients, held, closed: server.close() };
  }

  it('serves every session until its turn comes, and sends them away evenly', async () => {
    const { server, clock, clients, held, closed } = await draining(100);
    const [first] = clients;
    expect([server.state, held.flatMap(({ replies }) => replies)]).toEqual(['draining', []]);
    const refused = await ask(server, handshake());
    expect([refused.ends, refused.isLast]).toEqual([['capacity'], true]);
    expect((await first?.publish('/a', 1))?.reply).toMatchObject({ successful: true });
    await server.publish('/a', 2);
    const left: number[] = [];
    for (let at = 0; at < 8; at += 1) {
      await clock.tick(tenth);
      left.push(held.filter(({ replies }) => replies.length > 0).length);
    }
    const each = left.map((all, at) => all - (left[at - 1] ?? 0));
    expect([each[0], left.at(-1)]).toEqual([0, 100]);
    expect(Math.max(...each)).toBeLessThanOrEqual(15);
    for (const conduit of held) {
      const advice = { reconnect: 'retry', interval: 0, timeout: 30_000 };
      expect([conduit.reply.successful, conduit.reply.advice, conduit.isLast]).toEqual([true, advice, true]);
    }
    await closed;
    expect([server.state, server.usage.sessions, clock.pending]).toEqual(['closed', 0, 0]);
  });

  it('answers the connect of a socket, and closes the socket', async () => {
    const { clock, held, closed } = await draining(1, () => socket());
    const [wire] = held;
    await clock.tick(7 * tenth);
    expect([wire?.replies.length, wire?.ends]).toEqual([0, []]);
    await clock.tick(tenth);
    expect(wire?.reply).toMatchObject({ successful: true, advice: { reconnect: 'retry', interval: 0 } });
    expect(wire?.ends).toEqual(['shutdown']);
    await closed;
  });

  it('closes an event stream, which is not opened again', async () => {
    const { server, clock } = serve({ drain: { window }, maxInterval: window });
    const client = await FakeClient.connected(server);
    const [events, again] = [stream(), stream()];
    void server.joinStream(client.clientId, events);
    const closed = server.close();
    await clock.tick(8 * tenth);
    expect([events.ends, server.joinStream(client.clientId, again)]).toEqual([['shutdown'], false]);
    await closed;
  });

  it('tells a client that is between two connects with its next one', async () => {
    const { server, clock } = serve({ drain: { window }, maxInterval: window });
    const [idle, busy] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await busy.connect();
    const closed = server.close();
    await clock.tick(5 * tenth);
    const { reply, isLast } = await idle.connect();
    expect(reply).toMatchObject({ successful: true, advice: { reconnect: 'retry', interval: 0 } });
    expect(isLast).toBe(true);
    await server.close();
    await closed;
  });

  it('tells a client that comes back to wait, for part of the time in which sessions leave and then for the rest', async () => {
    const { server, clock, clients, closed } = await draining(2);
    const [early] = clients;
    await clock.tick(5 * tenth);
    const intervals: number[] = [];
    for (let at = 0; at < 50; at += 1) {
      const conduit = (await early?.connect()) ?? exchange();
      expect([conduit.reply.successful, conduit.isLast]).toEqual([true, true]);
      intervals.push((conduit.reply.advice as { interval: number }).interval);
    }
    expect(Math.max(...intervals)).toBeLessThanOrEqual(3 * tenth);
    expect(new Set(intervals).size).toBeGreaterThan(10);
    const wire = socket();
    server.join(wire);
    await early?.connect({}, wire);
    expect([wire.reply.successful, wire.ends]).toEqual([true, ['shutdown']]);
    await server.close();
    await closed;
  });

  it('waits for those that come back after all have left, and tells them to wait for the rest of the window', async () => {
    const { server, clock, clients, closed } = await draining(2);
    const [client] = clients;
    await clock.tick(6 * tenth);
    const wire = socket();
    server.join(wire);
    client?.session.attach(wire);
    await clock.tick(3 * tenth);
    expect(server.state).toBe('draining');
    const { reply } = (await client?.connect()) ?? exchange();
    expect(reply).toMatchObject({ successful: true, advice: { interval: tenth } });
    await clock.tick(tenth);
    await closed;
    expect([server.state, clock.pending]).toEqual(['closed', 0]);
  });

  it('is over at once where there is no session', async () => {
    const { server, clock } = serve({ drain: { window } });
    await server.close();
    expect([server.state, clock.pending]).toEqual(['closed', 0]);
  });

  it('ends a session that lives by its conduit, and keeps those of the application to the end', async () => {
    const { server, clock } = serve({ drain: { window } });
    server.addTransport({ name: 'line', offered: false, livesBy: 'conduit' });
    const line = socket({ transport: 'line' });
    server.join(line);
    await FakeClient.open(server, line);
    const [, robot] = [await FakeClient.connected(server), await server.localSession()];
    const closed = server.close();
    await clock.tick(5 * tenth);
    expect([line.ends, server.session(robot.id) !== undefined]).toEqual([['shutdown'], true]);
    await clock.tick(4 * tenth);
    await closed;
    expect(server.usage.sessions).toBe(0);
  });

  it('is cut short by a second call', async () => {
    const { server, clock } = serve({ drain: { window } });
    await FakeClient.connected(server);
    const first = server.close();
    await server.close();
    await first;
    expect([server.state, server.usage.sessions, clock.pending]).toEqual(['closed', 0, 0]);
  });
});
