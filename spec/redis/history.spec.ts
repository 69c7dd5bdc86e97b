import { beforeEach, expect, it } from 'vitest';
import { HistoryReads } from '../../src/redis/history-reads.ts';
import { entriesOf } from '../../src/redis/reply.ts';
import { expire } from '../../src/redis/scripts/expire.ts';
import type { Caller } from '../../src/redis/scripts/script.ts';
import type { Retention } from '../../src/ports/history-store.ts';
import { carried, describeWithRedis } from './cluster.ts';

const DAY = 86_400_000;

describeWithRedis('the history in Redis', (cluster) => {
  let a: Caller;
  let reads: HistoryReads;
  let next: number;
  let floor: number;

  beforeEach(async () => {
    a = await cluster().node('a');
    reads = new HistoryReads(cluster().connection, cluster().keys);
    next = 1;
    floor = await reads.newest();
  });

  async function append(channel: string, maxEvents = 1000): Promise<number> {
    const json = JSON.stringify({ channel, data: next });
    const durable = { retention: { maxEvents }, json };
    expect(await cluster().publish(a, next, carried(channel, next, { durable }))).toEqual({ is: 'OK' });
    next += 1;
    return reads.newest();
  }

  const ids = async (pattern: string, after = 0, limit = 100): Promise<number[]> =>
    (await reads.read(pattern, after, limit)).map(({ id }) => id);

  const discard = (channels: Record<string, Retention>, page?: number) =>
    expire(cluster().runner, a, new Map(Object.entries(channels)), page);

  const index = async (): Promise<string[]> =>
    entriesOf(await cluster().send('XRANGE', cluster().keys.historyIndex, '-', '+')).map(({ id }) => id);

  it('stores an event and carries it with its id and time, in one step', async () => {
    await cluster().node('b', '/x');
    const id = await append('/x');
    expect(id).toBe(floor + 1);
    const [stored, ...more] = await reads.read('/x', 0, 10);
    expect(more).toEqual([]);
    expect(stored).toEqual({ id, channel: '/x', at: stored?.at, json: '{"channel":"/x","data":1}' });
    expect(await cluster().mailbox('b')).toEqual([`n 1 p {"data":1,"h":${id},"at":${stored?.at}}`]);
    expect(Math.abs((stored?.at ?? 0) - (await cluster().beat('a')).now)).toBeLessThan(5000);
  });

  it('gives ascending ids to the events of one batch, over all channels, and stores nothing of a refused one', async () => {
    const durable = { retention: { maxEvents: 9 }, json: '{}' };
    const batch = ['/x', '/y', '/x'].map((channel) => carried(channel, 0, { durable }));
    await cluster().publish(a, 1, ...batch);
    expect(await cluster().publish(a, 1, ...batch)).toEqual({ is: 'ORDER', last: 3 });
    expect(await ids('/x')).toEqual([floor + 1, floor + 3]);
    expect(await ids('/y')).toEqual([floor + 2]);
    expect(await reads.newest()).toBe(floor + 3);
  });

  it('never stores an earlier time than before', async () => {
    await append('/x');
    await cluster().send('HSET', cluster().keys.meta, 'at', '99999999999999');
    await append('/x');
    const [, second] = await reads.read('/x', 0, 10);
    expect(second?.at).toBe(99_999_999_999_999);
  });

  it('reads a channel from an id on, at most so many', async () => {
    const all: number[] = [];
    for (let at = 0; at < 5; at += 1) {
      all.push(await append('/x'));
      await append('/other');
    }
    expect(await ids('/x')).toEqual(all);
    expect(await ids('/x', all[1])).toEqual(all.slice(2));
    expect(await ids('/x', all[1], 2)).toEqual(all.slice(2, 4));
    expect(await ids('/x', all[4])).toEqual([]);
    expect(await ids('/x', Number.MAX_SAFE_INTEGER)).toEqual([]);
    expect(await ids('/none')).toEqual([]);
  });

  it('reads what a pattern matches in order of id, in pages (CH-3)', async () => {
    const byChannel: Record<string, number[]> = {};
    for (let round = 0; round < 2; round += 1) {
      for (const channel of ['/p', '/p/1', '/p/2', '/p/1/deep', '/pp/1', '/q']) {
        byChannel[channel] = [...(byChannel[channel] ?? []), await append(channel)];
      }
    }
    const of = (...names: string[]) =>
      names.flatMap((name) => byChannel[name] ?? []).toSorted((x, y) => x - y);
    expect(await ids('/p/*')).toEqual(of('/p/1', '/p/2'));
    expect(await ids('/p/**')).toEqual(of('/p/1', '/p/2', '/p/1/deep'));
    expect(await ids('/*')).toEqual(of('/p', '/q'));
    expect(await ids('/**')).toEqual(of(...Object.keys(byChannel)));
    expect(await ids('/p/*', of('/p/1')[0], 2)).toEqual(of('/p/1', '/p/2').slice(1, 3));
    expect(await ids('/none/**')).toEqual([]);
  });

  it('reads the last events of a channel or pattern below an id, in order of id', async () => {
    const all: number[] = [];
    for (let at = 0; at < 12; at += 1) all.push(await append(`/l/${at % 3}`));
    const last = async (pattern: string, before: number, limit: number) =>
      (await reads.last(pattern, before, limit)).map(({ id }) => id);
    const end = (all.at(-1) ?? 0) + 1;
    expect(await last('/l/*', end, 5)).toEqual(all.slice(-5));
    expect(await last('/l/*', all[7] ?? 0, 5)).toEqual(all.slice(2, 7));
    expect(await last('/l/0', end, 2)).toEqual([all[6], all[9]]);
    expect(await last('/l/0', all[9] ?? 0, 9)).toEqual([all[0], all[3], all[6]]);
    expect(await last('/**', Number.MAX_SAFE_INTEGER, 99)).toEqual(all);
    for (const pattern of ['/l/*', '/l/0', '/nowhere'])
      expect(await last(pattern, all[0] ?? 0, 9)).toEqual([]);
    expect(await last('/**', 0, 9)).toEqual([]);
  });

  it('counts all as possibly missing that a restart may have lost, on channels with events too', async () => {
    const id = await append('/x');
    await cluster().send('HSET', cluster().keys.meta, 'lost', String(id + 100));
    const range = { discardedThrough: id + 100, oldest: id };
    expect([await reads.range('/x'), await reads.range('/*')]).toEqual([range, range]);
    expect(await reads.range('/never')).toEqual({ discardedThrough: id + 100 });
  });

  it('reads on over more than a page of the index', async () => {
    const durable = { retention: { maxEvents: 5000 }, json: '{}' };
    for (let at = 0; at < 30; at += 1) {
      const many = Array.from({ length: 40 }, () =>
        carried(at === 27 ? '/rare/1' : '/many/1', 0, { durable }),
      );
      await cluster().publish(a, 1 + at * 40, ...many);
    }
    expect(await ids('/rare/*', 0, 50)).toEqual(
      Array.from({ length: 40 }, (_, at) => floor + 1 + 27 * 40 + at),
    );
    expect(await ids('/many/*', 0, 2000)).toHaveLength(29 * 40);
  });

  it('discards the oldest of a channel when there are too many, and says so', async () => {
    const all: number[] = [];
    for (let at = 0; at < 5; at += 1) all.push(await append('/x', 3));
    expect(await ids('/x')).toEqual(all.slice(2));
    expect(await ids('/*')).toEqual(all.slice(2));
    const range = { discardedThrough: all[1], oldest: all[2] };
    expect(await reads.range('/x')).toEqual(range);
    expect(await reads.range('/**')).toEqual(range);
    expect(await reads.range('/other')).toEqual({ discardedThrough: floor });
  });

  it('says of a fresh history that all lower ids may be lost', async () => {
    expect(await reads.range('/x')).toEqual({ discardedThrough: floor });
    const id = await append('/x');
    expect(await reads.range('/x')).toEqual({ discardedThrough: floor, oldest: id });
  });

  it('discards what is too old by the clock of Redis', async () => {
    const old = await append('/x');
    await expect
      .poll(() => discard({ '/x': { maxAge: 5, maxEvents: 10 } }).then(() => ids('/x')))
      .toEqual([]);
    const later = await append('/x');
    await discard({ '/x': { maxAge: DAY, maxEvents: 10 } });
    expect(await ids('/**')).toEqual([later]);
    expect(await reads.range('/x')).toEqual({ discardedThrough: old, oldest: later });
  });

  it('discards in pages, and tells what has more', async () => {
    const all: number[] = [];
    for (let at = 0; at < 5; at += 1) all.push(await append('/x'));
    const last = await append('/y');
    const rules = { '/x': { maxAge: DAY, maxEvents: 1 }, '/y': { maxAge: DAY, maxEvents: 1 } };
    expect(await discard(rules, 2)).toEqual({ is: 'OK', value: ['/x', ''] });
    expect(await ids('/x')).toEqual(all.slice(2));
    expect(await discard(rules, 2)).toEqual({ is: 'OK', value: ['/x', ''] });
    expect(await discard(rules, 2)).toEqual({ is: 'OK', value: [] });
    expect(await ids('/**')).toEqual([all[4], last]);
    expect(await index()).toEqual([`${all[4]}-0`, `${last}-0`]);
  });

  it('forgets a channel of which nothing is left, but not that something was there', async () => {
    const id = await append('/b/x');
    await append('/c/y');
    await discard({ '/b/x': { maxAge: DAY, maxEvents: 0 } });
    expect(await cluster().send('EXISTS', cluster().keys.history('/b/x'))).toBe(0);
    for (const pattern of ['/b/x', '/b/*', '/b/**', '/**'])
      expect(await reads.range(pattern)).toMatchObject({ discardedThrough: id });
    expect(await reads.range('/c/y')).toMatchObject({ discardedThrough: floor });
    expect(await reads.range('/c/*')).toMatchObject({ discardedThrough: floor });
    const again = await append('/b/x');
    expect(await reads.range('/b/x')).toEqual({ discardedThrough: id, oldest: again });
  });

  it('keeps at most 1000 places of forgotten channels: the others count everywhere', async () => {
    const { keys } = cluster();
    const rows = Array.from({ length: 1000 }, (_, at) => [`/place${at}`, String(floor + 100 + at)]);
    await cluster().send('HSET', keys.forgotten, ...rows.flat());
    await append('/b/x');
    await discard({ '/b/x': { maxAge: DAY, maxEvents: 0 } });
    expect(await cluster().send('HLEN', keys.forgotten)).toBe(1000);
    const { discardedThrough } = await reads.range('/never/seen');
    expect(discardedThrough).toBeGreaterThan(floor);
  });

  it('lists the channels that have a history', async () => {
    await append('/x');
    await append('/y/z');
    const all: string[] = [];
    for await (const page of reads.channels()) all.push(...page);
    expect(all.toSorted()).toEqual(['/x', '/y/z']);
  });

  it('refuses to discard for a node without a lease, and for one that knows other data', async () => {
    const rules = new Map([['/x', { maxAge: 0, maxEvents: 0 }]]);
    const id = await append('/x');
    expect(await expire(cluster().runner, { ...a, birth: 'other' }, rules)).toEqual({ is: 'REBORN' });
    expect(await expire(cluster().runner, { ...a, node: 'b' }, rules)).toEqual({ is: 'FENCED' });
    expect(await ids('/x')).toEqual([id]);
  });
});
