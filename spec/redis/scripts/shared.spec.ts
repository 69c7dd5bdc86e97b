import { expect, it } from 'vitest';
import type { Mark } from '../../../src/ports/shared.ts';
import { numberOf } from '../../../src/redis/reply.ts';
import { abandon, begin, finish } from '../../../src/redis/scripts/answers.ts';
import { addMarks, readMarks } from '../../../src/redis/scripts/marks.ts';
import type { Caller } from '../../../src/redis/scripts/script.ts';
import { sweep } from '../../../src/redis/scripts/sweep.ts';
import { take } from '../../../src/redis/scripts/take.ts';
import { describeWithRedis, type TestCluster } from '../cluster.ts';

const refusals = async (cluster: TestCluster, call: (caller: Caller) => Promise<unknown>) => {
  const a = await cluster.node('a');
  return [await call({ ...a, birth: 'other' }), await call({ ...a, node: 'b' })];
};

const refused = [{ is: 'REBORN' }, { is: 'FENCED' }];

describeWithRedis('the take script', (cluster) => {
  it('gives all nodes together what the bucket has, then says when there is more', async () => {
    const { runner } = cluster();
    const [a, b] = [await cluster().node('a'), await cluster().node('b')];
    const taken = (caller: Caller) => take(runner, caller, 'user ann', 2, 2);
    expect(await taken(a)).toEqual({ is: 'OK', value: 0 });
    expect(await taken(b)).toEqual({ is: 'OK', value: 0 });
    const third = await taken(a);
    expect(third).toMatchObject({ is: 'OK', value: expect.any(Number) });
    expect('value' in third && third.value).toBeGreaterThan(0);
    expect('value' in third && third.value).toBeLessThanOrEqual(500);
    expect(await take(runner, b, 'user bob', 2, 2)).toEqual({ is: 'OK', value: 0 });
    await expect.poll(() => taken(b)).toEqual({ is: 'OK', value: 0 });
  });

  it('keeps a bucket no longer than it takes to fill', async () => {
    const { runner, keys } = cluster();
    const a = await cluster().node('a');
    await take(runner, a, 'x', 10, 2);
    expect(await cluster().send('PTTL', `${keys.prefix}t:x`)).toBeLessThanOrEqual(100);
    await expect.poll(() => cluster().send('EXISTS', `${keys.prefix}t:x`)).toBe(0);
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const all = await refusals(cluster(), (caller) => take(cluster().runner, caller, 'x', 2, 2));
    expect(all).toEqual(refused);
  });
});

describeWithRedis('the scripts of answers', (cluster) => {
  const limits = { maxAge: 60_000, maxBytes: 1_000_000 };
  const starting = (caller: Caller, claim = 'c1', key = 'k', ms = 60_000) =>
    begin(cluster().runner, caller, key, claim, ms);
  const ending = (caller: Caller, answer: string, key = 'k', more = {}) =>
    finish(cluster().runner, caller, key, 'c1', answer, { ...limits, ...more });

  it('let one begin, tell the others that it runs, and then its answer', async () => {
    const [a, b] = [await cluster().node('a'), await cluster().node('b')];
    expect(await starting(a)).toEqual({ is: 'OK', value: { is: 'begun' } });
    expect(await starting(a)).toEqual({ is: 'OK', value: { is: 'begun' } });
    expect(await starting(a, 'c2')).toEqual({ is: 'OK', value: { is: 'running' } });
    expect(await starting(b)).toEqual({ is: 'OK', value: { is: 'running' } });
    expect(await ending(a, 'done')).toEqual({ is: 'OK' });
    expect(await ending(a, 'again')).toEqual({ is: 'OK' });
    expect(await starting(b)).toEqual({ is: 'OK', value: { is: 'done', answer: 'done' } });
    expect(await starting(b, 'c1', 'other')).toEqual({ is: 'OK', value: { is: 'begun' } });
  });

  it('free a key whose work had no effect, for its own claim alone', async () => {
    const [a, b] = [await cluster().node('a'), await cluster().node('b')];
    await starting(a);
    expect(await abandon(cluster().runner, b, 'k', 'c1')).toEqual({ is: 'OK' });
    expect(await starting(b)).toEqual({ is: 'OK', value: { is: 'running' } });
    await abandon(cluster().runner, a, 'k', 'c1');
    expect(await starting(b)).toEqual({ is: 'OK', value: { is: 'begun' } });
  });

  it('end a claim with its time, and with its node', async () => {
    const [a, b] = [await cluster().node('a'), await cluster().node('b')];
    await starting(a, 'c1', 'short', 50);
    await expect.poll(() => starting(b, 'c1', 'short')).toEqual({ is: 'OK', value: { is: 'begun' } });
    await starting(a, 'c1', 'long');
    await cluster().send('DEL', `${cluster().keys.prefix}n:a`);
    expect(await starting(b, 'c1', 'long')).toEqual({ is: 'OK', value: { is: 'running' } });
    await sweep(cluster().runner, b, 'a');
    expect(await starting(b, 'c1', 'long')).toEqual({ is: 'OK', value: { is: 'begun' } });
  });

  it('forget an answer after its time, and the oldest past the memory', async () => {
    const a = await cluster().node('a');
    await ending(a, 'short', 'k1', { maxAge: 50 });
    await expect.poll(() => starting(a, 'c1', 'k1')).toEqual({ is: 'OK', value: { is: 'begun' } });
    const maxBytes = 3 * 400;
    for (const key of ['k2', 'k3', 'k4', 'k5']) await ending(a, 'x'.repeat(98), key, { maxBytes });
    const states = ['k2', 'k3', 'k4', 'k5'].map(async (key) => {
      const outcome = await starting(a, 'c1', key);
      return outcome.is === 'OK' && outcome.value.is;
    });
    expect(await Promise.all(states)).toEqual(['begun', 'done', 'done', 'done']);
    const { prefix } = cluster().keys;
    expect(await cluster().send('HGET', `${prefix}kh`, 'bytes')).toBe(String(maxBytes));
    for (const key of ['kh', 'kt'])
      expect(await cluster().send('PTTL', `${prefix}${key}`)).toBeGreaterThan(50_000);
  });

  it('take no more memory than they count', async () => {
    const a = await cluster().node('a');
    const { prefix } = cluster().keys;
    const key = (at: number) => String(at).padStart(64, '0');
    for (let at = 0; at < 2000; at += 1) await ending(a, 'x'.repeat(120), key(at));
    const used = await Promise.all(
      ['kh', 'kt'].map((name) => cluster().send('MEMORY', 'USAGE', prefix + name, 'SAMPLES', '0')),
    );
    const counted = numberOf(await cluster().send('HGET', `${prefix}kh`, 'bytes'));
    expect(used.map(numberOf).reduce((sum, one) => sum + one)).toBeLessThan(counted);
  });

  it('refuse a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    expect(await refusals(cluster(), (caller) => starting(caller))).toEqual(refused);
    expect(await refusals(cluster(), (caller) => ending(caller, 'x'))).toEqual(refused);
    expect(await refusals(cluster(), (caller) => abandon(runner, caller, 'k', 'c'))).toEqual(refused);
  });
});

describeWithRedis('the scripts of marks', (cluster) => {
  const limits = { maxEntries: 3, maxBytes: 100_000 };
  const later = (ms = 60_000) => Date.now() + ms;
  const adding = (caller: Caller, marks: readonly Mark[], bounds = limits) =>
    addMarks(cluster().runner, caller, 'list', marks, bounds);
  const reading = async (caller: Caller, after = 0) => {
    const outcome = await readMarks(cluster().runner, caller, 'list', after);
    if (outcome.is !== 'OK') throw new Error(outcome.is);
    return outcome.value;
  };

  it('tell every node what was added, and then only what changed', async () => {
    const [a, b] = [await cluster().node('a'), await cluster().node('b')];
    const until = later();
    const marks: Mark[] = [
      { id: 'user ann', at: 1000, until },
      { id: 'token 7', at: 2000, until: Number.POSITIVE_INFINITY },
    ];
    expect(await adding(a, marks)).toEqual({ is: 'OK', value: undefined });
    const first = await reading(b);
    expect(first.marks).toEqual(marks);
    expect(await reading(b, first.change)).toEqual({ change: first.change, marks: [] });
    await adding(a, marks);
    expect((await reading(b, first.change)).marks).toEqual([]);
    await adding(b, [{ id: 'user ann', at: 3000, until: until - 1 }]);
    const second = await reading(b, first.change);
    expect(second.marks).toEqual([{ id: 'user ann', at: 3000, until }]);
    await adding(b, [{ id: 'user ann', at: 500, until: until + 1 }]);
    expect((await reading(b, second.change)).marks).toEqual([{ id: 'user ann', at: 3000, until: until + 1 }]);
  });

  it('refuse what has no room, and keep what there is', async () => {
    const a = await cluster().node('a');
    const mark = (id: string): Mark => ({ id, at: 1, until: later() });
    expect(await adding(a, ['1', '2', '3'].map(mark))).toEqual({ is: 'OK', value: undefined });
    expect(await adding(a, [mark('4')])).toEqual({ is: 'OK', value: 'maxEntries' });
    expect(await adding(a, [mark('3')])).toEqual({ is: 'OK', value: undefined });
    const small = { maxEntries: 9, maxBytes: 3 * (192 + 2) };
    expect(await adding(a, [mark('4')], small)).toEqual({ is: 'OK', value: 'maxBytes' });
    expect((await reading(a)).marks.map(({ id }) => id)).toEqual(['1', '2', '3']);
  });

  it('forget a mark after its time, which makes room', async () => {
    const a = await cluster().node('a');
    const one = { maxEntries: 1, maxBytes: 200 };
    await adding(a, [{ id: '1', at: 1, until: later(50) }], one);
    await expect
      .poll(() => adding(a, [{ id: '2', at: 1, until: later() }], one))
      .toMatchObject({ value: undefined });
    expect((await reading(a)).marks.map(({ id }) => id)).toEqual(['2']);
  });

  it('leave no key when the last mark has ended, and keep those that never end', async () => {
    const a = await cluster().node('a');
    const left = async () => {
      const all = ['ma', 'me', 'mc', 'mm'].map((key) => `${cluster().keys.prefix}${key}:list`);
      return cluster().send('EXISTS', ...all);
    };
    await adding(a, [{ id: '1', at: 1, until: later(60) }]);
    await expect.poll(left).toBe(0);
    await adding(a, [{ id: '1', at: 1, until: Number.POSITIVE_INFINITY }]);
    await adding(a, [{ id: '2', at: 1, until: later(60) }]);
    expect(await cluster().send('PTTL', `${cluster().keys.prefix}ma:list`)).toBe(-1);
  });

  it('are read in pages', async () => {
    const a = await cluster().node('a');
    const many = Array.from({ length: 1100 }, (_, at) => ({ id: `m${at}`, at, until: later() }));
    const bounds = { maxEntries: 2000, maxBytes: 1_000_000 };
    for (let at = 0; at < many.length; at += 500) await adding(a, many.slice(at, at + 500), bounds);
    const read: string[] = [];
    for (let after = 0; ; ) {
      const { change, marks } = await reading(a, after);
      read.push(...marks.map(({ id }) => id));
      if (marks.length === 0) break;
      after = change;
    }
    expect(read).toEqual(many.map(({ id }) => id));
  });

  it('refuse a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    expect(await refusals(cluster(), (caller) => adding(caller, []))).toEqual(refused);
    expect(await refusals(cluster(), (caller) => readMarks(runner, caller, 'list', 0))).toEqual(refused);
  });
});
