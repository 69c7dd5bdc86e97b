import { describe, expect, it } from 'vitest';
import { carried, describeWithRedis, type TestCluster } from '../cluster.ts';
import { entriesOf } from '../../../src/redis/reply.ts';
import { sweep } from '../../../src/redis/scripts/sweep.ts';
import { attend } from '../../../src/redis/scripts/attend.ts';
import { readRoster } from '../../../src/redis/scripts/read-roster.ts';
import { place } from '../place.ts';

describeWithRedis('the beat script', (cluster) => {
  it('makes the birth where there is none, and keeps it', async () => {
    expect(await cluster().beat('a', { birth: 'mine' })).toMatchObject({
      birth: 'mine',
      isFresh: true,
      due: [],
    });
    expect(await cluster().beat('b', { birth: 'other' })).toMatchObject({ birth: 'mine', isFresh: true });
    expect(await cluster().beat('a', { birth: 'other' })).toMatchObject({ birth: 'mine', isFresh: false });
  });

  it('begins history ids at epoch milliseconds x 1000 (RP-6)', async () => {
    const { now } = await cluster().beat('a');
    const [id, floor] = [
      await cluster().send('HGET', cluster().keys.meta, 'id'),
      await cluster().send('HGET', cluster().keys.meta, 'floor'),
    ];
    expect([id, floor]).toEqual([String(now * 1000), String(now * 1000)]);
  });

  it('begins ids anew above all when a Redis that may lose data was restarted, and not otherwise', async () => {
    const ids = async () => [
      Number(await cluster().send('HGET', cluster().keys.meta, 'id')),
      Number(await cluster().send('HGET', cluster().keys.meta, 'lost')),
    ];
    await cluster().beat('a', { runId: 'first', durability: 'none' });
    const [before] = await ids();
    await cluster().beat('a', { runId: 'first', durability: 'none' });
    await cluster().beat('a', { runId: 'second', durability: 'restart' });
    expect(await ids()).toEqual([before, 0]);
    const { now } = await cluster().beat('a', { runId: 'third', durability: 'none' });
    const [id, lost] = await ids();
    expect([id, lost]).toEqual([Math.max(now * 1000, (before ?? 0) + 1), id]);
    await cluster().beat('b', { runId: 'third', durability: 'none' });
    expect(await ids()).toEqual([id, lost]);
    await cluster().beat('a', { runId: 'fourth', durability: 'failover' });
    const [afterFailover, lostBefore] = await ids();
    expect(afterFailover).toBeGreaterThan(id ?? 0);
    expect(lostBefore).toBe(lost);
  });

  it('gives a lease that ends by itself, and tells of those that others have', async () => {
    await cluster().beat('a', { leaseMs: 60_000, lease: { formats: [1, 1], version: '1.2.3' } });
    await cluster().beat('b', { leaseMs: 60 });
    const { living } = await cluster().beat('c');
    expect([...living]).toEqual([
      ['a', '{"formats":[1,1],"version":"1.2.3"}'],
      ['b', '{"formats":[1,1]}'],
    ]);
    await expect.poll(async () => [...(await cluster().beat('c')).living.keys()]).toEqual(['a']);
  });

  it('tells when the other nodes beat for the last time', async () => {
    const { now: first } = await cluster().beat('a');
    const { now: second } = await cluster().beat('b');
    expect([...(await cluster().beat('c')).beats]).toEqual([
      ['a', first],
      ['b', second],
    ]);
  });

  it('tells what is in the mailbox behind the last entry that was read', async () => {
    const a = await cluster().node('a', '/x');
    expect((await cluster().beat('a')).unread).toEqual({ written: 0, oldest: undefined });
    await cluster().publish(a, 1, carried('/x', 1));
    await cluster().publish(a, 2, carried('/x', 2));
    const [first = '', second = ''] = entriesOf(
      await cluster().send('XRANGE', cluster().keys.mailbox('a'), '-', '+'),
    ).map(({ id }) => id);
    expect((await cluster().beat('a')).unread).toEqual({ written: 2, oldest: first });
    expect((await cluster().beat('a', { read: first })).unread).toEqual({ written: 2, oldest: second });
    expect((await cluster().beat('a', { read: second })).unread).toEqual({ written: 2, oldest: undefined });
  });

  describe('once the first grace is over', () => {
    const leaseMs = 1000;
    const patience = { timeout: 10_000, interval: 20 };
    const beatOf = (runId = 'first') => cluster().beat('a', { runId, leaseMs });

    /** A node `a` with a lease, and `b` whose lease has ended. */
    async function withDead(): Promise<void> {
      await cluster().beat('b', { leaseMs: 1 });
      await cluster().beat('a', { runId: 'first', leaseMs: 60_000 });
      await cluster().send('HSET', cluster().keys.meta, 'up', '0');
      await expect.poll(() => cluster().send('EXISTS', `${cluster().keys.prefix}n:b`)).toBe(0);
    }

    it('names nodes whose lease ended', async () => {
      await withDead();
      expect((await beatOf()).due).toEqual(['b']);
    });

    it('names nobody when another Redis took over, until all had time to come back', async () => {
      await withDead();
      const { now, due } = await beatOf('second');
      expect(due).toEqual([]);
      await expect.poll(async () => (await beatOf('second')).due, patience).toEqual(['b']);
      expect((await beatOf('second')).now).toBeGreaterThanOrEqual(now + 2 * leaseMs);
    });

    it('names nobody when no node could beat for a while, until all had time to come back', async () => {
      await withDead();
      for (const node of ['a', 'b'])
        await cluster().send('ZINCRBY', cluster().keys.nodes, String(-leaseMs), node);
      const { now, due } = await beatOf();
      expect(due).toEqual([]);
      await expect.poll(async () => (await beatOf()).due, patience).toEqual(['b']);
      expect((await beatOf()).now).toBeGreaterThanOrEqual(now + 2 * leaseMs);
    });
  });

  it('tells the highest format that all living nodes read', async () => {
    expect(await cluster().beat('a', { lease: { formats: [1, 3] } })).toMatchObject({ format: 3 });
    expect(await cluster().beat('b', { lease: { formats: [1, 2] }, leaseMs: 60 })).toMatchObject({
      format: 2,
    });
    expect(await cluster().beat('a', { lease: { formats: [1, 3] } })).toMatchObject({ format: 2 });
    await expect.poll(async () => (await cluster().beat('a', { lease: { formats: [1, 3] } })).format).toBe(3);
    expect(await cluster().send('HGET', cluster().keys.meta, 'format')).toBe('3');
  });

  it('takes a lease that tells no formats, of which the node may make what it likes', async () => {
    await cluster().beat('a');
    await cluster().send('SET', `${cluster().keys.prefix}n:a`, '{}');
    const { format, living } = await cluster().beat('b', { lease: { formats: [1, 2] } });
    expect([format, [...living]]).toEqual([2, [['a', '{}']]]);
  });

  it('trims the own mailbox by age', async () => {
    const a = await cluster().node('a');
    await cluster().node('b', '/x');
    await cluster().publish(a, 1, carried('/x', 1));
    await cluster().beat('a', { keepMs: 60_000 });
    expect(await cluster().mailbox('a')).toHaveLength(1);
    await expect
      .poll(async () => (await cluster().beat('a', { keepMs: 5 })) && cluster().mailbox('a'))
      .toEqual([]);
    expect(await cluster().mailbox('b')).toHaveLength(1);
  });

  it('tells the last numbers, and goes on with the given ones where Redis has none', async () => {
    const a = await cluster().node('a', '/x');
    await cluster().publish(a, 1, carried('/x', 1), carried('/x', 2));
    const numbers = { publications: 2, interests: 1, presences: 0 };
    expect(await cluster().beat('a')).toMatchObject({ numbers });
    await cluster().send('FLUSHALL');
    const later = { publications: 7, interests: 8, presences: 9 };
    expect(await cluster().beat('a', { numbers: later, birth: 'second' })).toMatchObject({
      birth: 'second',
      numbers: later,
      isFresh: true,
    });
  });
});

describeWithRedis('the sweep script', (cluster) => {
  const keysOf = async ({ send, keys }: TestCluster): Promise<unknown> =>
    send.call(cluster(), 'KEYS', `${keys.prefix.replace(/[{}]/g, '?')}*`);

  async function withDead(): Promise<{ node: string; birth: string }> {
    const dead = await cluster().node('dead', '/x', '/y', '/z');
    const a = await cluster().node('a', '/x');
    const { runner } = cluster();
    const change = (session: string, id: string) => place('/r', id, session);
    await attend(runner, a, 1, [change('s3', 'ann')], 100);
    await attend(runner, dead, 1, [change('s1', 'ann'), change('s2', 'bob'), place('/q', 'bob', 's2')], 100);
    await cluster().publish(dead, 1, carried('/x', 1));
    return a;
  }

  it('leaves a node with a lease alone', async () => {
    const a = await withDead();
    const before = await keysOf(cluster());
    expect(await sweep(cluster().runner, a, 'dead')).toEqual({ is: 'OK', value: 'living' });
    expect(await cluster().send('SMEMBERS', cluster().keys.interest('/y'))).toEqual(['dead']);
    expect(await keysOf(cluster())).toHaveLength(Array.isArray(before) ? before.length : -1);
  });

  it('removes in pages all that a node without a lease had, and nothing else', async () => {
    const { runner, keys } = cluster();
    const a = await withDead();
    await cluster().send('DEL', `${keys.prefix}n:dead`);
    expect(await sweep(runner, a, 'dead', { page: 2 })).toEqual({ is: 'OK', value: 'more' });
    expect(await sweep(runner, a, 'dead', { page: 2 })).toEqual({ is: 'OK', value: 'done' });
    expect(await sweep(runner, a, 'dead', { page: 2 })).toEqual({ is: 'OK', value: 'done' });
    expect(await cluster().send('SMEMBERS', keys.interest('/x'))).toEqual(['a']);
    expect((await readRoster(runner, 'a', '/r')).users).toMatchObject([{ id: 'ann', sessions: 1 }]);
    const left = await keysOf(cluster());
    expect(
      Array.isArray(left) ? left.map((key: string) => key.slice(keys.prefix.length)).toSorted() : left,
    ).toEqual(['c', 'g:dead', 'i:/x', 'in:a', 'meta', 'n:a', 'ni:a', 'nodes', 'nr:a', 'r:/r', 'rs:/r']);
    expect(await cluster().send('HKEYS', keys.counters)).not.toContain('dead');
    expect(await cluster().send('ZRANGE', keys.nodes, '0', '-1')).toEqual(['a']);
  });

  it('removes all of the node itself, which leaves, its lease too', async () => {
    const { runner, keys } = cluster();
    const a = await withDead();
    expect(await sweep(runner, a, 'a', { page: 1 })).toEqual({ is: 'OK', value: 'more' });
    expect(await sweep(runner, a, 'a', { page: 10 })).toEqual({ is: 'OK', value: 'done' });
    expect(await cluster().send('EXISTS', keys.mailbox('a'), `${keys.prefix}n:a`, `${keys.prefix}ni:a`)).toBe(
      0,
    );
    expect(await cluster().send('ZRANGE', keys.nodes, '0', '-1')).toEqual(['dead']);
    expect(await cluster().send('SMEMBERS', keys.interest('/x'))).toEqual(['dead']);
  });

  it('lets others go on when the node that sweeps leaves', async () => {
    const { runner, keys } = cluster();
    const a = await withDead();
    const b = await cluster().node('b');
    await cluster().send('DEL', `${keys.prefix}n:dead`);
    expect(await sweep(runner, a, 'dead', { page: 2 })).toEqual({ is: 'OK', value: 'more' });
    expect(await sweep(runner, b, 'b')).toEqual({ is: 'OK', value: 'done' });
    expect(await cluster().send('GET', `${keys.prefix}sweep`)).toBe('a');
    expect(await sweep(runner, a, 'a')).toEqual({ is: 'OK', value: 'done' });
    expect(await cluster().send('EXISTS', `${keys.prefix}sweep`)).toBe(0);
  });

  it('tells a node that comes back meanwhile that it has to register anew', async () => {
    const { runner, keys } = cluster();
    const a = await withDead();
    await cluster().send('DEL', `${keys.prefix}n:dead`);
    await sweep(runner, a, 'dead', { page: 2 });
    const numbers = { publications: 0, interests: 7, presences: 8 };
    expect(await cluster().beat('dead', { numbers })).toMatchObject({
      isFresh: true,
      numbers: { ...numbers, publications: 1 },
    });
    expect(await sweep(runner, a, 'dead', { page: 2 })).toEqual({ is: 'OK', value: 'living' });
  });

  it('remembers for a while what the node had published, and only that', async () => {
    const { runner, keys } = cluster();
    const a = await withDead();
    await cluster().send('DEL', `${keys.prefix}n:dead`);
    expect(await sweep(runner, a, 'dead', { rememberMs: 100 })).toEqual({ is: 'OK', value: 'done' });
    expect(await cluster().send('GET', `${keys.prefix}g:dead`)).toBe('1');
    await expect.poll(() => cluster().send('EXISTS', `${keys.prefix}g:dead`)).toBe(0);
    expect(await cluster().beat('dead')).toMatchObject({ isFresh: true, numbers: { publications: 0 } });
  });

  it('is done by one node at a time', async () => {
    const { runner, keys } = cluster();
    const a = await withDead();
    const b = await cluster().node('b');
    await cluster().send('DEL', `${keys.prefix}n:dead`);
    expect(await sweep(runner, a, 'dead', { page: 2, holdMs: 60 })).toEqual({ is: 'OK', value: 'more' });
    expect(await sweep(runner, b, 'dead')).toEqual({ is: 'OK', value: 'busy' });
    await expect.poll(() => sweep(runner, b, 'dead')).toEqual({ is: 'OK', value: 'done' });
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    const a = await withDead();
    expect(await sweep(runner, { ...a, birth: 'other' }, 'dead')).toEqual({ is: 'REBORN' });
    expect(await sweep(runner, { ...a, node: 'nobody' }, 'dead')).toEqual({ is: 'FENCED' });
  });
});
