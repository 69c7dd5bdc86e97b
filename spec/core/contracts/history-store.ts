import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  HistorySettings,
  HistoryStore,
  Retention,
  StoredEvent,
} from '../../../src/ports/history-store.ts';

/** A store, and how to come back to what it keeps. */
export interface HistoryStoreUnderTest {
  /** Holds nothing, and is not open yet. */
  readonly store: HistoryStore;
  /** What finds all that the store kept, and is not open yet. Called when the store is closed. */
  reopen(): HistoryStore;
  /** Removes what is left of it. Called when the store is closed. */
  dispose?(): Promise<void>;
}

const TODAY = Date.UTC(2026, 2, 1, 12);

const retentions: Record<string, Retention> = {
  '/a': { maxEvents: 3, maxAge: 1000 },
  '/a/x': { maxEvents: 5, maxAge: 2000 },
  '/a/x/deep': { maxEvents: 100, maxAge: 3000 },
  '/b/x': { maxEvents: 2, maxAge: 500 },
};
const plenty: Retention = { maxEvents: 1000, maxAge: 86_400_000 };
const retentionOf = (channel: string): Retention => retentions[channel] ?? plenty;

/** What every store keeps to. `runs` is how many random schedules are tried. */
export function historyStoreContract(
  name: string,
  make: () => HistoryStoreUnderTest | Promise<HistoryStoreUnderTest>,
  runs = 300,
): void {
  describe(`${name} history store`, () => {
    let under: HistoryStoreUnderTest;
    let store: HistoryStore;
    let now: number;

    const settings = (retention: HistorySettings['retention'] = retentionOf) => ({
      retention,
      now: () => now,
    });
    const append = async (channel: string, data: unknown = null) =>
      store.append(channel, JSON.stringify({ channel, data }));
    const ids = async (pattern: string, after = 0, limit = 100) =>
      (await store.read(pattern, after, limit)).map(({ id }) => id);
    const reopen = async (retention?: HistorySettings['retention']) => {
      await store.close();
      store = under.reopen();
      await store.open(settings(retention));
    };

    beforeEach(async () => {
      now = TODAY;
      under = await make();
      ({ store } = under);
      await store.open(settings());
    });

    afterEach(async () => {
      await store.close();
      await under.dispose?.();
    });

    it('begins, when fresh, at epoch milliseconds x 1000, and counts all below as discarded (RP-6)', async () => {
      expect(store.newest).toBe(TODAY * 1000);
      expect(await store.range('/a')).toEqual({ discardedThrough: TODAY * 1000 });
      expect(await store.range('/**')).toEqual({ discardedThrough: TODAY * 1000 });
      expect(await ids('/**')).toEqual([]);
    });

    it('takes no fraction of a millisecond into ids and times', async () => {
      await store.close();
      now = TODAY + 0.75;
      await under.dispose?.();
      under = await make();
      ({ store } = under);
      await store.open(settings());
      expect(store.newest).toBe(TODAY * 1000);
      const { id, at } = await append('/a');
      expect([id > TODAY * 1000, Number.isSafeInteger(id), at]).toEqual([true, true, TODAY]);
    });

    it('answers an append with what it stored', async () => {
      const text = '{"channel":"/a","data":"✓ \\u2028 \\ud83d\\ude00"}';
      const stored = await store.append('/a', text);
      expect(stored).toEqual({ id: store.newest, channel: '/a', at: TODAY, json: text });
      expect(stored.id).toBeGreaterThan(TODAY * 1000);
      expect(await store.read('/a', 0, 10)).toEqual([stored]);
    });

    it('gives ids that ascend in the order of appends, over all channels, whoever waits for them', async () => {
      const all = await Promise.all(
        ['/a', '/b/x', '/a', '/c', '/a/x', '/a'].map((channel) => append(channel)),
      );
      const given = all.map(({ id }) => id);
      expect(given).toEqual([...given].sort((a, b) => a - b));
      expect(new Set(given).size).toBe(6);
      expect([store.newest, given.every(Number.isSafeInteger)]).toEqual([given.at(-1), true]);
    });

    it('never says an earlier time, though the clock goes back (RP-7)', async () => {
      const first = await append('/c');
      now -= 5000;
      const second = await append('/c');
      now += 5001;
      const third = await append('/d');
      expect([first.at, second.at, third.at]).toEqual([TODAY, TODAY, TODAY + 1]);
    });

    it('reads a channel from an id on, at most so many', async () => {
      const all: number[] = [];
      for (let at = 0; at < 7; at += 1) {
        all.push((await append('/c', at)).id);
        await append('/other');
      }
      expect(await ids('/c')).toEqual(all);
      expect(await ids('/c', all[2])).toEqual(all.slice(3));
      expect(await ids('/c', all[2], 2)).toEqual(all.slice(3, 5));
      expect(await ids('/c', (all[2] ?? 0) + 1)).toEqual(all.slice(3));
      expect(await ids('/c', all[6])).toEqual([]);
      expect(await ids('/c', Number.MAX_SAFE_INTEGER)).toEqual([]);
      expect(await ids('/c', -1, 1)).toEqual(all.slice(0, 1));
      expect(await ids('/nowhere')).toEqual([]);
    });

    it('merges what a pattern matches by id, and nothing else (RP-11, CH-3)', async () => {
      const byChannel: Record<string, number[]> = {};
      const channels = ['/p', '/p/1', '/p/2', '/p/1/deep', '/pp/1', '/q', '/p/1/deep/er', '/p-/1'];
      for (let round = 0; round < 3; round += 1) {
        for (const channel of channels) {
          const known = byChannel[channel] ?? [];
          byChannel[channel] = [...known, (await append(channel)).id];
        }
      }
      const of = (...names: string[]) => names.flatMap((one) => byChannel[one] ?? []).sort((a, b) => a - b);
      expect(await ids('/p')).toEqual(of('/p'));
      expect(await ids('/p/*')).toEqual(of('/p/1', '/p/2'));
      expect(await ids('/p/**')).toEqual(of('/p/1', '/p/2', '/p/1/deep', '/p/1/deep/er'));
      expect(await ids('/*')).toEqual(of('/p', '/q'));
      expect(await ids('/**')).toEqual(of(...channels));
      const [, second = 0] = of('/p/1', '/p/2');
      expect(await ids('/p/*', second, 2)).toEqual(of('/p/1', '/p/2').slice(2, 4));
      expect(await ids('/p/1/*', second)).toEqual(of('/p/1/deep').filter((id) => id > second));
      expect(await ids('/none/**')).toEqual([]);
    });

    it('pages through many channels without a gap or a repetition', async () => {
      const all: number[] = [];
      for (let at = 0; at < 500; at += 1) {
        const { id } = await append(`/${at % 3 === 0 ? 'many' : 'other'}/${at % 40}`);
        if (at % 3 === 0) all.push(id);
      }
      const paged: number[] = [];
      for (
        let page = await ids('/many/*', 0, 7);
        page.length > 0;
        page = await ids('/many/*', paged.at(-1), 7)
      ) {
        expect(page.length).toBeLessThanOrEqual(7);
        paged.push(...page);
      }
      expect(paged).toEqual(all);
    });

    it('discards the oldest of a channel when there are too many', async () => {
      const all: number[] = [];
      for (let at = 0; at < 5; at += 1) {
        all.push((await append('/a')).id);
        await append('/c');
      }
      expect(await ids('/a')).toEqual(all.slice(2));
      expect(await ids('/c')).toHaveLength(5);
      expect(await store.range('/a')).toEqual({ discardedThrough: all[1], oldest: all[2] });
    });

    it('discards what is too old by now when it is told to', async () => {
      const old = await append('/a');
      now += 600;
      const later = await append('/a');
      const other = await append('/a/x');
      now += 400;
      await store.expire();
      expect(await ids('/**')).toEqual([old.id, later.id, other.id]);
      now += 1;
      await store.expire();
      expect(await ids('/**')).toEqual([later.id, other.id]);
      expect(await store.range('/a')).toEqual({ discardedThrough: old.id, oldest: later.id });
    });

    it('says of each channel what was discarded of it, while anything of it is left', async () => {
      const quiet = await append('/c');
      const busy = [];
      for (let at = 0; at < 6; at += 1) busy.push(await append('/a'));
      expect(await store.range('/c')).toEqual({ discardedThrough: TODAY * 1000, oldest: quiet.id });
      expect(await store.range('/a')).toEqual({ discardedThrough: busy[2]?.id, oldest: busy[3]?.id });
      expect(await store.range('/*')).toEqual({ discardedThrough: busy[2]?.id, oldest: quiet.id });
    });

    it('forgets a channel of which nothing is left, but not that something was there', async () => {
      const { id } = await append('/b/x');
      now += 501;
      await store.expire();
      expect(await ids('/**')).toEqual([]);
      for (const pattern of ['/b/x', '/b/*', '/b/**', '/**']) {
        expect(await store.range(pattern)).toEqual({ discardedThrough: id });
      }
      const next = await append('/b/x');
      expect(next.id).toBeGreaterThan(id);
      expect(await store.range('/b/x')).toEqual({ discardedThrough: id, oldest: next.id });
    });

    it('keeps all of that when it is opened again', async () => {
      const all = [];
      for (let at = 0; at < 5; at += 1) all.push(await append('/a', at));
      const gone = await append('/b/x');
      now += 501;
      await store.expire();
      const { newest } = store;
      now -= 10_000;
      await reopen();
      expect(store.newest).toBeGreaterThanOrEqual(newest);
      expect(await store.read('/**', 0, 10)).toEqual(all.slice(2));
      expect(await store.range('/a')).toEqual({ discardedThrough: all[1]?.id, oldest: all[2]?.id });
      expect((await store.range('/b/x')).discardedThrough).toBe(gone.id);
      const next = await append('/c');
      expect(next.id).toBeGreaterThan(newest);
      expect(next.at).toBeGreaterThanOrEqual(all[4]?.at ?? 0);
    });

    it('opened again under other rules, keeps what these say', async () => {
      const all = [];
      for (let at = 0; at < 3; at += 1) all.push(await append('/a'));
      const other = await append('/c');
      await reopen((channel) => (channel === '/a' ? { maxEvents: 2, maxAge: 1000 } : undefined));
      const last = await append('/a');
      expect(await ids('/a')).toEqual([all[2]?.id, last.id]);
      expect((await store.range('/a')).discardedThrough).toBe(all[1]?.id);
      now += 500;
      await store.expire();
      const { discardedThrough, oldest } = await store.range('/c');
      // What is no longer durable may be forgotten, and then it is said so.
      expect(oldest === other.id || discardedThrough >= other.id).toBe(true);
    });

    it('does as a list of events would, whatever comes', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
          const fresh = await make();
          await checkAgainstList(fresh, steps);
        }),
        { numRuns: runs },
      );
    });
  });
}

const channels = ['/a', '/a/x', '/a/x/deep', '/b/x', '/c'];
const patterns = [...channels, '/*', '/**', '/a/*', '/a/**', '/b/*', '/a/x/*', '/nothing/**'];

type Step =
  | { readonly do: 'append'; readonly channel: string }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'expire' | 'reopen' }
  | { readonly do: 'read'; readonly pattern: string; readonly after: number; readonly limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('append'), channel: fc.constantFrom(...channels) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.integer({ min: -300, max: 1500 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('expire', 'reopen') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read'),
      pattern: fc.constantFrom(...patterns),
      after: fc.nat({ max: 60 }),
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
);

/** Keeps events the plain way. */
class Listing {
  now = TODAY;
  readonly began: number;
  #events: (StoredEvent & { discarded?: true })[] = [];

  constructor(began: number) {
    this.began = began;
  }

  get newest(): number {
    return this.#events.at(-1)?.id ?? this.began;
  }

  id(at: number): number {
    return this.#events[at]?.id ?? this.began;
  }

  get length(): number {
    return this.#events.length;
  }

  kept(pattern: string): StoredEvent[] {
    return this.#events.filter((one) => !one.discarded && covers(pattern, one.channel));
  }

  gone(pattern: string): StoredEvent[] {
    return this.#events.filter((one) => one.discarded && covers(pattern, one.channel));
  }

  append(stored: StoredEvent): void {
    this.#events.push({ ...stored });
    const own = this.kept(stored.channel);
    this.#discard(own.slice(0, Math.max(0, own.length - retentionOf(stored.channel).maxEvents)));
  }

  expire(): void {
    this.#discard(this.kept('/**').filter(({ at, channel }) => at < this.now - retentionOf(channel).maxAge));
  }

  #discard(events: readonly StoredEvent[]): void {
    const ids = new Set(events.map(({ id }) => id));
    this.#events = this.#events.map((one) => (ids.has(one.id) ? { ...one, discarded: true } : one));
  }
}

/** Lets a store and a list of events go through the same, and compares what they say. */
async function checkAgainstList(under: HistoryStoreUnderTest, steps: readonly Step[]): Promise<void> {
  let { store } = under;
  const settings = { retention: retentionOf, now: () => list.now };
  const list: Listing = new Listing(TODAY * 1000);
  await store.open(settings);
  for (const step of steps) {
    switch (step.do) {
      case 'append':
        await checkAppend(store, list, step.channel);
        break;
      case 'wait':
        list.now += step.ms;
        break;
      case 'expire':
        await store.expire();
        list.expire();
        break;
      case 'reopen':
        await store.close();
        store = under.reopen();
        await store.open(settings);
        break;
      case 'read':
        await checkRead(store, list, step);
        break;
    }
    // A store that was opened again may go on higher up.
    expect(store.newest).toBeGreaterThanOrEqual(list.newest);
  }
  await store.close();
  await under.dispose?.();
}

async function checkAppend(store: HistoryStore, list: Listing, channel: string): Promise<void> {
  const json = JSON.stringify({ channel, data: list.length });
  const stored = await store.append(channel, json);
  expect(stored).toEqual({ id: stored.id, channel, at: stored.at, json });
  expect([stored.id > list.newest, store.newest]).toEqual([true, stored.id]);
  expect(stored.at).toBeGreaterThanOrEqual(Math.max(list.now, ...list.kept('/**').map(({ at }) => at)));
  list.append(stored);
}

async function checkRead(
  store: HistoryStore,
  list: Listing,
  { pattern, after: at, limit }: Extract<Step, { do: 'read' }>,
): Promise<void> {
  const after = list.id(at);
  const expected = list.kept(pattern).filter(({ id }) => id > after);
  expect(await store.read(pattern, after, limit)).toEqual(expected.slice(0, limit));

  const { oldest, discardedThrough } = await store.range(pattern);
  expect(oldest).toBe(list.kept(pattern)[0]?.id);
  const highest = (events: readonly StoredEvent[]) => Math.max(list.began, ...events.map(({ id }) => id));
  // It may doubt too much, never too little.
  expect(discardedThrough).toBeGreaterThanOrEqual(highest(list.gone(pattern)));
  expect(discardedThrough).toBeLessThanOrEqual(highest(list.gone('/**')));
}

function covers(pattern: string, channel: string): boolean {
  const [wanted, given] = [pattern.split('/'), channel.split('/')];
  const last = wanted.at(-1);
  if (last !== '*' && last !== '**') return pattern === channel;
  const above = wanted.slice(0, -1);
  const deep = given.length - above.length;
  return above.every((one, at) => one === given[at]) && (last === '*' ? deep === 1 : deep >= 1);
}
