import assert from 'node:assert/strict';
import { checkSchedules } from './history-schedules.ts';
import { type MakeStore, OpenStore, TODAY } from './open-store.ts';
import type { Runner } from './runner.ts';

/** How much a history store is tested. */
export interface HistoryStoreContractOptions {
  /** Random schedules of appends, reads and waits that are tried, each with a store of its own; 100 if absent. */
  readonly runs?: number;
}

/** Tests what every history store keeps to. */
export function historyStoreContract(
  name: string,
  make: MakeStore,
  { describe, it }: Runner,
  { runs = 100 }: HistoryStoreContractOptions = {},
): void {
  describe(`${name} history store`, () => {
    const test = (title: string, check: (store: OpenStore) => Promise<void>, now?: number): void => {
      it(title, () => OpenStore.during(make, check, now));
    };

    test('begins, when fresh, at epoch milliseconds x 1000, and counts all below as discarded (RP-6)', async (store) => {
      assert.equal(store.newest, TODAY * 1000);
      assert.deepEqual(await store.range('/a'), { discardedThrough: TODAY * 1000 });
      assert.deepEqual(await store.range('/**'), { discardedThrough: TODAY * 1000 });
      assert.deepEqual(await store.ids('/**'), []);
    });

    test(
      'takes no fraction of a millisecond into ids and times',
      async (store) => {
        assert.equal(store.newest, TODAY * 1000);
        const { id, at } = await store.append('/a');
        assert.deepEqual([id > TODAY * 1000, Number.isSafeInteger(id), at], [true, true, TODAY]);
      },
      TODAY + 0.75,
    );

    test('answers an append with what it stored', async (store) => {
      const text = '{"channel":"/a","data":"✓ \\u2028 \\ud83d\\ude00"}';
      const stored = await store.append('/a', text);
      assert.deepEqual(stored, { id: store.newest, channel: '/a', at: TODAY, json: text });
      assert.ok(stored.id > TODAY * 1000, `${stored.id} is above where ids begin`);
      assert.deepEqual(await store.read('/a'), [stored]);
    });

    test('gives ids that ascend in the order of appends, over all channels, whoever waits for them', async (store) => {
      const all = await Promise.all(
        ['/a', '/b/x', '/a', '/c', '/a/x', '/a'].map((channel) => store.append(channel)),
      );
      const given = all.map(({ id }) => id);
      assert.deepEqual(given, given.toSorted(ascending));
      assert.equal(new Set(given).size, 6);
      assert.deepEqual([store.newest, given.every(Number.isSafeInteger)], [given.at(-1), true]);
    });

    test('never says an earlier time, though the clock goes back (RP-7)', async (store) => {
      const first = await store.append('/c');
      store.now -= 5000;
      const second = await store.append('/c');
      store.now += 5001;
      const third = await store.append('/d');
      assert.deepEqual([first.at, second.at, third.at], [TODAY, TODAY, TODAY + 1]);
    });

    test('reads a channel from an id on, at most so many', async (store) => {
      const all: number[] = [];
      for (let at = 0; at < 7; at += 1) {
        all.push((await store.append('/c')).id);
        await store.append('/other');
      }
      assert.deepEqual(await store.ids('/c'), all);
      assert.deepEqual(await store.ids('/c', all[2]), all.slice(3));
      assert.deepEqual(await store.ids('/c', all[2], 2), all.slice(3, 5));
      assert.deepEqual(await store.ids('/c', (all[2] ?? 0) + 1), all.slice(3));
      assert.deepEqual(await store.ids('/c', all[6]), []);
      assert.deepEqual(await store.ids('/c', Number.MAX_SAFE_INTEGER), []);
      assert.deepEqual(await store.ids('/c', -1, 1), all.slice(0, 1));
      assert.deepEqual(await store.ids('/nowhere'), []);
    });

    test('reads the last events of a channel or pattern below an id, in order of id', async (store) => {
      const all: number[] = [];
      for (let at = 0; at < 12; at += 1) all.push((await store.append(`/l/${at % 3}`)).id);
      const last = async (pattern: string, before: number, limit: number) =>
        (await store.last(pattern, before, limit)).map(({ id }) => id);
      const end = store.newest + 1;
      assert.deepEqual(await last('/l/*', end, 5), all.slice(-5));
      assert.deepEqual(await last('/l/*', all[7] ?? 0, 5), all.slice(2, 7));
      assert.deepEqual(await last('/l/0', end, 2), [all[6], all[9]]);
      assert.deepEqual(await last('/l/0', all[9] ?? 0, 9), [all[0], all[3], all[6]]);
      assert.deepEqual(await last('/**', end + 1000, 99), all);
      for (const pattern of ['/l/*', '/l/0', '/nowhere'])
        assert.deepEqual(await last(pattern, all[0] ?? 0, 9), []);
    });

    test('merges what a pattern matches by id, and nothing else (RP-11, CH-3)', async (store) => {
      const byChannel: Record<string, number[]> = {};
      const channels = ['/p', '/p/1', '/p/2', '/p/1/deep', '/pp/1', '/q', '/p/1/deep/er', '/p-/1'];
      for (let round = 0; round < 3; round += 1) {
        for (const channel of channels) {
          const known = byChannel[channel] ?? [];
          byChannel[channel] = [...known, (await store.append(channel)).id];
        }
      }
      const of = (...names: string[]) => names.flatMap((one) => byChannel[one] ?? []).sort(ascending);
      assert.deepEqual(await store.ids('/p'), of('/p'));
      assert.deepEqual(await store.ids('/p/*'), of('/p/1', '/p/2'));
      assert.deepEqual(await store.ids('/p/**'), of('/p/1', '/p/2', '/p/1/deep', '/p/1/deep/er'));
      assert.deepEqual(await store.ids('/*'), of('/p', '/q'));
      assert.deepEqual(await store.ids('/**'), of(...channels));
      const [, second = 0] = of('/p/1', '/p/2');
      assert.deepEqual(await store.ids('/p/*', second, 2), of('/p/1', '/p/2').slice(2, 4));
      const later = of('/p/1/deep').filter((id) => id > second);
      assert.deepEqual(await store.ids('/p/1/*', second), later);
      assert.deepEqual(await store.ids('/none/**'), []);
    });

    test('keeps records under names without a slash, which no pattern matches and which prove nothing of channels', async (store) => {
      const before = await store.append('/a');
      const all = [await store.append('bWU'), await store.append('bWU.x'), await store.append('bWU')];
      const [first, , last] = all.map(({ id }) => id);
      assert.deepEqual(await store.ids('bWU'), [first, last]);
      assert.deepEqual(await store.ids('bWU', first), [last]);
      for (const pattern of ['/**', '/*']) assert.deepEqual(await store.ids(pattern), [before.id]);
      const range = await store.range('/**');
      for (let at = 0; at < 10; at += 1) await store.append('bWU');
      assert.deepEqual(await store.range('/**'), range);
    });

    test('pages through many channels without a gap or a repetition', async (store) => {
      const all: number[] = [];
      for (let at = 0; at < 500; at += 1) {
        const { id } = await store.append(`/${at % 3 === 0 ? 'many' : 'other'}/${at % 40}`);
        if (at % 3 === 0) all.push(id);
      }
      const paged: number[] = [];
      let page = await store.ids('/many/*', 0, 7);
      while (page.length > 0) {
        assert.ok(page.length <= 7, `a page of 7 has ${page.length}`);
        paged.push(...page);
        page = await store.ids('/many/*', paged.at(-1), 7);
      }
      assert.deepEqual(paged, all);
    });

    test('discards the oldest of a channel when there are too many', async (store) => {
      const all: number[] = [];
      for (let at = 0; at < 5; at += 1) {
        all.push((await store.append('/a')).id);
        await store.append('/c');
      }
      assert.deepEqual(await store.ids('/a'), all.slice(2));
      assert.equal((await store.ids('/c')).length, 5);
      assert.deepEqual(await store.range('/a'), { discardedThrough: all[1], oldest: all[2] });
    });

    test('discards what is too old by now when it is told to', async (store) => {
      const old = await store.append('/a');
      store.now += 600;
      const later = await store.append('/a');
      const other = await store.append('/a/x');
      store.now += 400;
      await store.expire();
      assert.deepEqual(await store.ids('/**'), [old.id, later.id, other.id]);
      store.now += 1;
      await store.expire();
      assert.deepEqual(await store.ids('/**'), [later.id, other.id]);
      assert.deepEqual(await store.range('/a'), { discardedThrough: old.id, oldest: later.id });
    });

    test('says of each channel what was discarded of it, while anything of it is left', async (store) => {
      const quiet = await store.append('/c');
      const busy = [];
      for (let at = 0; at < 6; at += 1) busy.push(await store.append('/a'));
      const [discardedThrough, oldest] = [busy[2]?.id, busy[3]?.id];
      assert.deepEqual(await store.range('/c'), { discardedThrough: TODAY * 1000, oldest: quiet.id });
      assert.deepEqual(await store.range('/a'), { discardedThrough, oldest });
      assert.deepEqual(await store.range('/*'), { discardedThrough, oldest: quiet.id });
    });

    test('forgets a channel of which nothing is left, but not that something was there', async (store) => {
      const { id } = await store.append('/b/x');
      store.now += 501;
      await store.expire();
      assert.deepEqual(await store.ids('/**'), []);
      for (const pattern of ['/b/x', '/b/*', '/b/**', '/**'])
        assert.deepEqual(await store.range(pattern), { discardedThrough: id });
      const next = await store.append('/b/x');
      assert.ok(next.id > id, `${next.id} is above ${id}`);
      assert.deepEqual(await store.range('/b/x'), { discardedThrough: id, oldest: next.id });
    });

    test('keeps all of that when it is opened again', async (store) => {
      const all = [];
      for (let at = 0; at < 5; at += 1) all.push(await store.append('/a'));
      const gone = await store.append('/b/x');
      store.now += 501;
      await store.expire();
      const { newest } = store;
      store.now -= 10_000;
      await store.reopen();
      assert.ok(store.newest >= newest, `${store.newest} is not below ${newest}`);
      assert.deepEqual(await store.read('/**'), all.slice(2));
      assert.deepEqual(await store.range('/a'), { discardedThrough: all[1]?.id, oldest: all[2]?.id });
      assert.equal((await store.range('/b/x')).discardedThrough, gone.id);
      const next = await store.append('/c');
      assert.ok(next.id > newest, `${next.id} is above ${newest}`);
      assert.ok(next.at >= (all[4]?.at ?? 0), `${next.at} is not before the last of the first run`);
    });

    test('opened again under other rules, keeps what these say', async (store) => {
      const all = [];
      for (let at = 0; at < 3; at += 1) all.push(await store.append('/a'));
      const other = await store.append('/c');
      await store.reopen((channel) => (channel === '/a' ? { maxEvents: 2, maxAge: 1000 } : undefined));
      const last = await store.append('/a');
      assert.deepEqual(await store.ids('/a'), [all[2]?.id, last.id]);
      assert.equal((await store.range('/a')).discardedThrough, all[1]?.id);
      store.now += 500;
      await store.expire();
      const { discardedThrough, oldest } = await store.range('/c');
      // What is no longer durable may be forgotten, and then it is said so.
      assert.ok(oldest === other.id || discardedThrough >= other.id, 'the event is there, or was discarded');
    });

    it('does as a list of events would, whatever comes', () => checkSchedules(make, runs));
  });
}

function ascending(one: number, other: number): number {
  return one - other;
}
