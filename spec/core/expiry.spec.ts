import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

function watched(settings = {}) {
  const { server, clock } = serve(settings);
  const reasons: string[] = [];
  server.on('session.closed', ({ reason }) => reasons.push(reason));
  /** Milliseconds until the session is gone. */
  const lifeOf = async ({ session }: FakeClient): Promise<number> => {
    const began = clock.now();
    while (session.state !== 'gone') await clock.tick(500);
    return clock.now() - began;
  };
  return { server, clock, reasons, lifeOf };
}

describe('a silent session', () => {
  it('that never connects lives interval + maxInterval (HS-13)', async () => {
    const { server, clock, reasons, lifeOf } = watched({ interval: 500 });
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    expect(await lifeOf(client)).toBe(15_500);
    expect([reasons, server.usage, clock.pending]).toEqual([
      ['timeout'],
      { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
      0,
    ]);
  });

  it('lives as long after a connect reply (EX-1)', async () => {
    const { server, clock, lifeOf } = watched({ interval: 500 });
    const client = await FakeClient.open(server);
    await clock.tick(10_000);
    await client.connect();
    expect(await lifeOf(client)).toBe(15_500);
  });

  it('lives as long after its hold was over', async () => {
    const { server, clock, lifeOf } = watched();
    const client = await FakeClient.connected(server);
    await client.connect();
    await clock.tick(29_999);
    expect(client.session.state).toBe('held');
    expect(await lifeOf(client)).toBeCloseTo(15_500, -3);
  });

  it('lives by its own interval for that cycle (ADV-11, ADV-12)', async () => {
    const { server, lifeOf } = watched();
    const client = await FakeClient.connected(server);
    await client.connect({ advice: { timeout: 0, interval: 4000 } });
    expect(await lifeOf(client)).toBe(19_000);
    const greedy = await FakeClient.connected(server);
    await greedy.connect({ advice: { timeout: 0, interval: 1e9 } });
    expect(await lifeOf(greedy)).toBe(75_000);
    const once = await FakeClient.connected(server);
    await once.connect({ advice: { timeout: 0, interval: 4000 } });
    await once.connect({ advice: { timeout: 0 } });
    expect(await lifeOf(once)).toBe(15_000);
  });

  it('is kept by any message, but never brought nearer its end by one (EX-2)', async () => {
    const { server, clock, lifeOf } = watched({ interval: 5000 });
    const client = await FakeClient.connected(server);
    await clock.tick(1000);
    await client.publish('/a', 1);
    expect(await lifeOf(client)).toBe(19_000);
    const other = await FakeClient.connected(server);
    for (let at = 0; at < 5; at += 1) {
      await clock.tick(14_000);
      await other.subscribe('/a');
    }
    expect(await lifeOf(other)).toBe(15_000);
  });

  it('is not kept by messages of nobody, nor by events for it', async () => {
    const { server, clock, lifeOf } = watched();
    const client = await FakeClient.connected(server);
    await clock.tick(10_000);
    client.session.deliver('/a', 1);
    await client.publish('/a', 1, exchange()).then(() => undefined);
    const other = await FakeClient.connected(server);
    await clock.tick(5000);
    await other.send(other.message('/a', { clientId: 'x', data: 1 }));
    other.session.deliver('/a', 1);
    expect(await lifeOf(other)).toBe(10_000);
  });

  it('is not ended by an older hold while a newer connect is held (EX-4)', async () => {
    const { server, clock } = watched();
    const client = await FakeClient.connected(server);
    await client.connect();
    await clock.tick(29_000);
    await client.connect();
    await clock.tick(29_999);
    expect(client.session.state).toBe('held');
  });

  it('bound to a socket leaves that socket behind, unended', async () => {
    const { server, lifeOf } = watched();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await lifeOf(client);
    expect([wire.ends, wire.session]).toEqual([[], undefined]);
    const next = await FakeClient.open(server, wire);
    expect(next.session.push).toBe(wire);
  });

  it('lives by the times of its transport (§8)', async () => {
    const { server, clock } = watched({ websocket: { timeout: 1000, interval: 10, maxInterval: 2000 } });
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    expect(wire.replies.at(-1)?.advice).toEqual({ reconnect: 'retry', interval: 10, timeout: 1000 });
    await client.connect({}, wire);
    await clock.tick(1000);
    expect(client.session.state).toBe('idle');
    await clock.tick(2009);
    expect(client.session.state).toBe('idle');
    await clock.tick(1);
    expect(client.session.state).toBe('gone');
  });

  it('survives one lost connect reply with either client (EX-6)', async () => {
    const { server, clock } = watched();
    for (const backAfter of [11_000, 0.2 * 30_000 + 5000]) {
      const client = await FakeClient.connected(server);
      const lost = exchange({ slow: true });
      await client.connect({}, lost);
      client.session.deliver('/a', 1);
      await client.flushed();
      client.lose(lost);
      await clock.tick(backAfter);
      expect((await client.connect({ advice: { timeout: 0 } })).data).toEqual([1]);
    }
  });
});
