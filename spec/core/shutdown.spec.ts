import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, socket, stream } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

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
    server.joinStream(streaming.clientId, events);
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

describe('a drain (EX-7)', () => {
  const window = 60_000;

  it('sends clients away over its time, then closes', async () => {
    const { server, clock } = serve({ drain: { window } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => FakeClient.connected(server)));
    const held = await Promise.all(clients.map((client) => client.connect()));
    const closing = server.close();
    expect(server.state).toBe('draining');
    const intervals = held.map(({ reply }) => {
      expect(reply).toMatchObject({ successful: true, advice: { reconnect: 'retry', timeout: 30_000 } });
      return (reply.advice as { interval: number }).interval;
    });
    expect(Math.min(...intervals)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...intervals)).toBeLessThanOrEqual(window);
    expect(new Set(intervals).size).toBeGreaterThan(10);
    // Whoever was told to come back late is still known when it does.
    await clock.tick(14_000);
    expect(clients.every(({ session }) => session.state === 'idle')).toBe(true);
    expect((await ask(server, handshake())).ends).toEqual(['capacity']);
    const [first] = clients;
    expect((await first?.publish('/a', 1))?.reply).toMatchObject({ successful: true });
    await server.publish('/a', 2);
    const late = await first?.connect();
    expect(late?.reply).toMatchObject({ successful: true, advice: { reconnect: 'retry', interval: 46_000 } });
    await clock.tick(45_999);
    expect(server.state).toBe('draining');
    await clock.tick(1);
    await closing;
    expect([server.state, server.usage.sessions, clock.pending]).toEqual(['closed', 0, 0]);
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
