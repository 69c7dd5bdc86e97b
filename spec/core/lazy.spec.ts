import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

async function holding(settings = {}) {
  const { server, clock } = serve(settings);
  const client = await FakeClient.connected(server);
  const held = await client.connect();
  return { server, clock, client, held };
}

describe('a lazy event (DL-9)', () => {
  it('wakes nobody until its timer', async () => {
    const { clock, client, held } = await holding();
    client.session.deliver('/a', 1, { lazy: 100 });
    client.session.deliver('/a', 2, { lazy: true });
    await clock.tick(99);
    expect(held.messages).toEqual([]);
    await clock.tick(1);
    expect(held.messages).toMatchObject([
      { channel: '/a', data: 1 },
      { channel: '/a', data: 2 },
      { successful: true },
    ]);
    expect(JSON.stringify(held.messages)).not.toContain('lazy');
    await client.disconnect();
    expect(clock.pending).toBe(0);
  });

  it('waits at most maxLazyTimeout', async () => {
    const { clock, client, held } = await holding({ maxLazyTimeout: 50 });
    client.session.deliver('/a', 1, { lazy: 1_000_000 });
    await clock.tick(50);
    expect(held.data).toEqual([1]);
  });

  it('goes by the earliest deadline', async () => {
    const { clock, client, held } = await holding();
    client.session.deliver('/a', 1, { lazy: 1000 });
    client.session.deliver('/a', 2, { lazy: 10 });
    client.session.deliver('/a', 3, { lazy: 2000 });
    await clock.tick(10);
    expect(held.data).toEqual([1, 2, 3]);
  });

  it('rides along, in order, with the next that is not', async () => {
    const { client, clock, held } = await holding();
    client.session.deliver('/a', 1, { lazy: true });
    client.session.deliver('/a', 2);
    await client.flushed();
    expect(held.data).toEqual([1, 2]);
    await client.disconnect();
    expect(clock.pending).toBe(0);
  });

  it('rides along with the answer to anything else', async () => {
    const { client, held } = await holding();
    client.session.deliver('/a', 1, { lazy: true });
    expect((await client.publish('/b', 1)).data).toEqual([1]);
    expect(held.messages).toEqual([]);
  });

  it('does not answer a connect before its time (CN-7)', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1, { lazy: 100 });
    const held = await client.connect();
    expect(client.session.state).toBe('held');
    await clock.tick(100);
    expect(held.data).toEqual([1]);
  });

  it('that is due while nobody listens has the next connect answered at once', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1, { lazy: 100 });
    await clock.tick(100);
    expect((await client.connect()).data).toEqual([1]);
  });

  it('that is due while a response is still being written leaves after it', async () => {
    const { clock, client, held } = await holding();
    const slow = exchange({ slow: true });
    client.session.deliver('/a', 1);
    await client.publish('/b', 1, slow);
    client.session.deliver('/a', 2, { lazy: 100 });
    await clock.tick(100);
    expect([slow.data, held.data]).toEqual([[1], []]);
    slow.settle();
    await client.flushed();
    expect(held.data).toEqual([2]);
  });

  it('is pushed on a socket in its time, or with the next', async () => {
    const { server, clock } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    client.session.deliver('/a', 1, { lazy: 100 });
    await clock.tick(99);
    expect(wire.data).toEqual([]);
    await clock.tick(1);
    expect(wire.data).toEqual([1]);
    client.session.deliver('/a', 2, { lazy: 100 });
    client.session.deliver('/a', 3);
    await client.flushed();
    expect(wire.data).toEqual([1, 2, 3]);
  });

  it('takes its timer along when the session ends', async () => {
    const { clock, client } = await holding();
    client.session.deliver('/a', 1, { lazy: true });
    client.session.disconnect();
    expect(clock.pending).toBe(0);
  });
});

describe('a lazy channel', () => {
  const channels = { '/news': { lazy: 100 }, '/chat/*': { lazy: true }, '/chat/urgent': { lazy: false } };

  it('makes lazy what it matches, and nothing below it', async () => {
    const { server, clock, client, held } = await holding({ channels });
    await client.subscribe('/**');
    await server.publish('/news', 1);
    await server.publish('/chat/x', 2);
    await client.flushed();
    expect(held.data).toEqual([]);
    await clock.tick(100);
    expect(held.data).toEqual([1, 2]);
    for (const [channel, lazy] of [
      ['/news/x', false],
      ['/chat/urgent', false],
      ['/chat', false],
      ['/chat/y', true],
    ] as const) {
      const next = await client.connect();
      await server.publish(channel, channel);
      await client.flushed();
      expect([channel, next.data]).toEqual([channel, lazy ? [] : [channel]]);
      if (lazy) client.lose(next);
    }
  });

  it('yields to what a publish says of itself', async () => {
    const { server, client, held } = await holding({ channels });
    await client.subscribe('/news');
    await server.publish('/news', 1, { lazy: false });
    await client.flushed();
    expect(held.data).toEqual([1]);
  });
});
