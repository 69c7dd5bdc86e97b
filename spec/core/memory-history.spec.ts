import { describe, expect, it } from 'vitest';
import type { Retention } from '../../src/ports/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import { UsageError } from '../../src/lib/usage-error.ts';
import { historyStoreContract } from '../../src/testing/index.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';

historyStoreContract(
  'memory',
  () => {
    const store = new MemoryHistory();
    return { store, reopen: () => store };
  },
  { describe, it },
  { runs: 300 },
);

async function opened(retention: Partial<Retention> = {}, maxBytes?: number) {
  const time = { now: 1_000_000 };
  const store = new MemoryHistory(maxBytes === undefined ? {} : { maxBytes });
  const kept = { maxEvents: 10_000, maxAge: 60_000, ...retention };
  await store.open({ retention: () => kept, now: () => time.now });
  return { store, time };
}

describe('a history in memory with many channels', () => {
  // Of the CPU, so that what else runs on the machine does not count.
  async function longestTurn(work: Promise<unknown>): Promise<number> {
    let isOver = false;
    void work.finally(() => {
      isOver = true;
    });
    let longest = 0;
    for (let before = process.cpuUsage(); !isOver; before = process.cpuUsage()) {
      await new Promise((resolve) => setImmediate(resolve));
      const { user, system } = process.cpuUsage(before);
      longest = Math.max(longest, (user + system) / 1000);
    }
    return longest;
  }

  it('lets the server answer others while a batch asks for all of it, again and again', async () => {
    const history = new MemoryHistory();
    const { server } = serve({ history, channels: { '/d/**': { history: true } } });
    await server.open();
    for (let at = 0; at < 20_000; at += 1) history.append(`/d/${at}`, '{"channel":"/d/1","data":1}');
    const client = await FakeClient.connected(server);
    const batch = Array.from({ length: 1000 }, () =>
      client.message('/meta/subscribe', { subscription: '/d/*', ext: { replay: { '/d/*': -2 } } }),
    );
    const conduit = exchange();
    const longest = await longestTurn(
      Promise.resolve(server.receive(server.decode(JSON.stringify(batch)), conduit)),
    );
    expect(conduit.messages.filter(({ successful }) => successful === true)).toHaveLength(1000);
    expect(longest).toBeLessThan(200);
  });

  it('reads what is rare among much over several turns, and answers the same', async () => {
    const { store } = await opened({ maxEvents: 1_000_000 });
    const rare: number[] = [];
    for (let at = 0; at < 120_000; at += 1) {
      const { id } = store.append(at % 100 === 0 ? `/rare/${at}` : '/common', '{}');
      if (at % 100 === 0) rare.push(id);
    }
    const read = store.read('/rare/*', 0, 500);
    expect(read).toBeInstanceOf(Promise);
    expect((await read).map(({ id }) => id)).toEqual(rare.slice(0, 500));
    expect((await store.read('/rare/*', rare[499] ?? 0, 1000)).map(({ id }) => id)).toEqual(rare.slice(500));
    const last = store.last('/rare/*', rare[600] ?? 0, 500);
    expect(last).toBeInstanceOf(Promise);
    expect((await last).map(({ id }) => id)).toEqual(rare.slice(100, 600));
    expect((await store.last('/rare/*', store.newest + 1, 5000)).map(({ id }) => id)).toEqual(rare);
  });

  it('forgets the channel that was published to longest ago when there are too many, and says so', async () => {
    const time = { now: 1_000_000 };
    const store = new MemoryHistory({ maxChannels: 3 });
    await store.open({ retention: () => ({ maxEvents: 9, maxAge: 1e9 }), now: () => time.now });
    const first = store.append('/a', '{}');
    const second = store.append('/b', '{}');
    store.append('/c', '{}');
    store.append('/a', '{}');
    store.append('/x/d', '{}');
    expect(store.usage.channels).toBe(3);
    expect(await store.read('/b', 0, 9)).toEqual([]);
    expect(store.range('/b')).toEqual({ discardedThrough: second.id });
    expect(store.range('/*')).toEqual({ discardedThrough: second.id, oldest: first.id });
  });
});

describe('a history in memory', () => {
  it('answers at once', async () => {
    const { store } = await opened();
    const stored = store.append('/a', '{}');
    expect(store.read('/a', 0, 10)).toEqual([stored]);
    expect(store.range('/*').oldest).toBe(stored.id);
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
    expect(store.range('/quiet').discardedThrough).toBeGreaterThanOrEqual(first.id);
    expect(store.range('/**')).toEqual({
      discardedThrough: all.at(-events - 1)?.id,
      oldest: all.at(-events)?.id,
    });
  });

  it('keeps nothing of an event that has no room at all', async () => {
    const { store } = await opened({}, 2000);
    const { id } = store.append('/a', JSON.stringify('x'.repeat(3000)));
    expect(store.usage).toEqual({ events: 0, channels: 0, bytes: 0 });
    expect(store.range('/a')).toEqual({ discardedThrough: id });
  });

  it('leaves nothing of channels that have aged out, however many there were (CH-10)', async () => {
    const { store, time } = await opened();
    for (let at = 0; at < 5000; at += 1) {
      store.append(`/random/${at}/deep`, '{}');
      time.now += 100;
      if (at % 50 === 0) await store.expire();
    }
    expect(store.usage.channels).toBeLessThan(700);
    time.now += 60_001;
    await store.expire();
    expect(store.usage).toEqual({ events: 0, channels: 0, bytes: 0 });
  });

  it('casts no doubt on a place where nothing was forgotten', async () => {
    const { store, time } = await opened();
    const { discardedThrough: began } = store.range('/**');
    const gone = [store.append('/short/1', '{}'), store.append('/short/deep/er/1', '{}')].map(({ id }) => id);
    time.now += 60_001;
    await store.expire();
    const through = (pattern: string) => store.range(pattern).discardedThrough;
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
      await store.expire();
    }
    expect(store.usage.events).toBe(0);
    expect(store.range('/p/*').discardedThrough).toBe(id);
  });

  it('keeps, under the rules of the next server, what these say', async () => {
    const { store, time } = await opened();
    const all = [1, 2, 3].map(() => store.append('/a', '{}'));
    const gone = store.append('/b', '{}');
    await store.close();
    const retention = (channel: string) => (channel === '/a' ? { maxEvents: 2, maxAge: 9 } : undefined);
    await store.open({ retention, now: () => time.now });
    expect(store.read('/**', 0, 10)).toEqual(all.slice(1));
    expect(store.range('/b')).toEqual({ discardedThrough: gone.id });
    store.append('/b', '{}');
    expect(store.read('/b', 0, 10)).toEqual([]);
  });

  it('is in doubt everywhere when things were forgotten at too many places to tell them apart', async () => {
    const { store, time } = await opened();
    const all = Array.from({ length: 1000 }, (_, at) => store.append(`/place/${at}/x`, '{}'));
    const again = store.append('/place/0/y', '{}');
    const last = store.append('/place/1000/x', '{}');
    time.now += 60_001;
    await store.expire();
    const through = (pattern: string) => store.range(pattern).discardedThrough;
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
      const page = await store.read('/rare/*', after, 3);
      expect(page.length).toBeLessThanOrEqual(3);
      paged.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
    }
    expect(paged).toEqual(rare);
  });

  it('refuses a bound that is none', () => {
    expect(() => new MemoryHistory({ maxBytes: 0 })).toThrow(UsageError);
    expect(() => new MemoryHistory({ maxBytes: Number.NaN })).toThrow(UsageError);
    expect(() => new MemoryHistory({ maxChannels: 0.5 })).toThrow(
      'maxChannels must be a number of at least 1, got 0.5',
    );
  });
});
