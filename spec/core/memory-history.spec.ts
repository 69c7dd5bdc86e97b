import { describe, expect, it } from 'vitest';
import type { Retention } from '../../src/core/history/history-store.ts';
import { MemoryHistory } from '../../src/core/history/memory-history.ts';
import { UsageError } from '../../src/core/usage-error.ts';
import { historyStoreContract } from './contracts/history-store.ts';

historyStoreContract('memory', () => {
  const store = new MemoryHistory();
  return { store, reopen: () => store };
});

async function opened(retention: Partial<Retention> = {}, maxBytes?: number) {
  const time = { now: 1_000_000 };
  const store = new MemoryHistory(maxBytes === undefined ? {} : { maxBytes });
  const kept = { maxEvents: 10_000, maxAge: 60_000, ...retention };
  await store.open({ retention: () => kept, now: () => time.now });
  return { store, time };
}

describe('a history in memory', () => {
  it('answers at once', async () => {
    const { store } = await opened();
    const stored = store.append('/a', '{}');
    expect(store.read('/a', 0, 10)).toEqual([stored]);
    expect(store.retained('/*').oldest).toBe(stored.id);
    expect(store.expire()).toBeUndefined();
  });

  it('discards the oldest events of all channels when there are too many bytes, and says so', async () => {
    const { store } = await opened({}, 100_000);
    const text = JSON.stringify('x'.repeat(998));
    const first = store.append('/quiet', text);
    const all = [first];
    for (let at = 0; at < 200; at += 1) all.push(store.append(`/busy/${at % 3}`, text));
    const { bytes, events } = store.usage;
    expect(bytes).toBeLessThanOrEqual(100_000);
    expect(bytes).toBeGreaterThan(97_000);
    expect(store.read('/**', 0, 1000)).toEqual(all.slice(-events));
    expect(store.read('/quiet', 0, 10)).toEqual([]);
    expect(store.retained('/quiet').discardedThrough).toBeGreaterThanOrEqual(first.id);
    expect(store.retained('/**')).toEqual({
      discardedThrough: all.at(-events - 1)?.id,
      oldest: all.at(-events)?.id,
    });
  });

  it('keeps nothing of an event that has no room at all', async () => {
    const { store } = await opened({}, 2000);
    const { id } = store.append('/a', JSON.stringify('x'.repeat(3000)));
    expect(store.usage).toEqual({ events: 0, channels: 0, bytes: 0 });
    expect(store.retained('/a')).toEqual({ discardedThrough: id });
  });

  it('leaves nothing of channels that have aged out, however many there were (CH-10)', async () => {
    const { store, time } = await opened();
    for (let at = 0; at < 5000; at += 1) {
      store.append(`/random/${at}/deep`, '{}');
      time.now += 100;
      if (at % 50 === 0) store.expire();
    }
    expect(store.usage.channels).toBeLessThan(700);
    time.now += 60_001;
    store.expire();
    expect(store.usage).toEqual({ events: 0, channels: 0, bytes: 0 });
  });

  it('casts no doubt on a place where nothing was forgotten', async () => {
    const { store, time } = await opened();
    const { discardedThrough: began } = store.retained('/**');
    const gone = [store.append('/short/1', '{}'), store.append('/short/deep/er/1', '{}')].map(({ id }) => id);
    time.now += 60_001;
    store.expire();
    const through = (pattern: string) => store.retained(pattern).discardedThrough;
    expect(
      ['/long', '/long/*', '/long/**', '/*', '/short', '/shor/**', '/short/deep/*'].map(through),
    ).toEqual(Array.from({ length: 7 }, () => began));
    expect(['/short/1', '/short/new', '/short/*'].map(through)).toEqual([gone[0], gone[0], gone[0]]);
    expect(['/short/**', '/**', '/short/deep/er/2'].map(through)).toEqual([gone[1], gone[1], gone[1]]);
  });

  it('does not take back a doubt when what is forgotten next is older', async () => {
    const store = new MemoryHistory();
    const time = { now: 1_000_000 };
    const retention = (channel: string) => ({ maxEvents: 10, maxAge: channel === '/p/long' ? 5000 : 1000 });
    await store.open({ retention, now: () => time.now });
    store.append('/p/long', '{}');
    const { id } = store.append('/p/short', '{}');
    for (const ms of [2000, 4000]) {
      time.now += ms;
      store.expire();
    }
    expect(store.usage.events).toBe(0);
    expect(store.retained('/p/*').discardedThrough).toBe(id);
  });

  it('keeps, under the rules of the next server, what these say', async () => {
    const { store, time } = await opened();
    const all = [1, 2, 3].map(() => store.append('/a', '{}'));
    const gone = store.append('/b', '{}');
    await store.close();
    const retention = (channel: string) => (channel === '/a' ? { maxEvents: 2, maxAge: 9 } : undefined);
    await store.open({ retention, now: () => time.now });
    expect(store.read('/**', 0, 10)).toEqual(all.slice(1));
    expect(store.retained('/b')).toEqual({ discardedThrough: gone.id });
    store.append('/b', '{}');
    expect(store.read('/b', 0, 10)).toEqual([]);
  });

  it('is in doubt everywhere when things were forgotten at too many places to tell them apart', async () => {
    const { store, time } = await opened();
    const all = Array.from({ length: 1000 }, (_, at) => store.append(`/place/${at}/x`, '{}'));
    const again = store.append('/place/0/y', '{}');
    const last = store.append('/place/1000/x', '{}');
    time.now += 60_001;
    store.expire();
    const through = (pattern: string) => store.retained(pattern).discardedThrough;
    // The place that was touched last is still told apart.
    expect(through('/elsewhere')).toBe(all[1]?.id);
    expect(['/place/0/x', '/place/2/x', '/place/1000/y'].map(through)).toEqual([
      again.id,
      all[2]?.id,
      last.id,
    ]);
  });

  it('finds what a pattern matches among much that it does not', async () => {
    const { store } = await opened();
    const rare: number[] = [];
    for (let at = 0; at < 60_000; at += 1) {
      const { id } = store.append(at % 6000 === 0 ? `/rare/${at / 6000}` : `/common/${at % 50}`, '{}');
      if (at % 6000 === 0) rare.push(id);
    }
    const paged: number[] = [];
    for (let after = 0; ; after = paged.at(-1) ?? 0) {
      const page = store.read('/rare/*', after, 3);
      expect(page.length).toBeLessThanOrEqual(3);
      paged.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
    }
    expect(paged).toEqual(rare);
  });

  it('refuses a bound that is none', () => {
    expect(() => new MemoryHistory({ maxBytes: 0 })).toThrow(UsageError);
    expect(() => new MemoryHistory({ maxBytes: Number.NaN })).toThrow(UsageError);
  });
});
