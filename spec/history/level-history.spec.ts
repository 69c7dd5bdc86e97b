import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it, vi } from 'vitest';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';
import { historyStoreContract } from '../../src/testing/index.ts';
import { folder, idsIn, later, opened, plenty, TODAY } from './folder.ts';

for (const sync of [false, true]) {
  historyStoreContract(
    sync ? 'level, synced,' : 'level',
    () => {
      const path = mkdtempSync(join(tmpdir(), 'history-'));
      const reopen = () => new LevelHistory({ path, sync });
      return { store: reopen(), reopen, dispose: async () => rmSync(path, { recursive: true }) };
    },
    { describe, it },
    { runs: sync ? 10 : 50 },
  );
}

const append = (store: LevelHistory, channel: string, data: unknown = null) =>
  store.append(channel, JSON.stringify({ channel, data }));

/** Counts what is written to databases until the test is over, and lets it fail from then on. */
function watchWrites() {
  const written: unknown[] = [];
  let begun = 0;
  let failing = false;
  let wrote = (): void => {};
  const make = ClassicLevel.prototype.batch;
  const spy = vi.spyOn(ClassicLevel.prototype, 'batch').mockImplementation(function (this: ClassicLevel) {
    begun += 1;
    const batch = make.call(this);
    const write = batch.write.bind(batch);
    batch.write = async (options: object = {}) => {
      written.push(options);
      if (failing) throw new Error('the disk is full');
      await write(options);
      wrote();
    };
    return batch;
  });
  return {
    written,
    begun: () => begun,
    fail(yes = true) {
      failing = yes;
    },
    /** Calls back after each write. */
    onWrite(call: () => void) {
      wrote = call;
    },
    [Symbol.dispose]: () => spy.mockRestore(),
  };
}

describe('a level history', () => {
  it.each([false, true])('writes what comes at once, or meanwhile, in one go; synced: %s', async (sync) => {
    const store = await opened({ path: folder(), sync });
    using disk = watchWrites();
    const first = append(store, '/a');
    await Promise.resolve();
    const others = Array.from({ length: 999 }, (_, at) => append(store, `/b/${at % 10}`));
    await Promise.all([first, ...others]);
    expect(disk.written).toEqual([{ sync }, { sync }]);
    expect(await idsIn(store)).toHaveLength(1000);
  });

  it('reads what was appended before, though it is still being written', async () => {
    const store = await opened({ path: folder() });
    const appended = Array.from({ length: 100 }, () => append(store, '/a'));
    const read = store.read('/a', 0, 1000);
    const late = append(store, '/a');
    const events = await Promise.all(appended);
    expect(await read).toEqual(events);
    expect(await idsIn(store)).toHaveLength(100 + (await late.then(() => 1)));
  });

  it('fails what cannot be written, and stores again a second later, when the disk does', async () => {
    const path = folder();
    let now = TODAY;
    const store = await opened({ path }, { ...plenty, now: () => now });
    const { id } = await append(store, '/a');
    let failed = 0;
    {
      using disk = watchWrites();
      disk.fail();
      const message = `the history in ${path} cannot be written (Error: the disk is full); free space on the disk: the server tries again`;
      await expect(append(store, '/a')).rejects.toThrow(message);
      await expect(append(store, '/b')).rejects.toThrow(message);
      // What cannot be written does not pile up, and what is there can be read.
      expect(disk.begun()).toBe(1);
      expect(await idsIn(store)).toEqual([id]);
      failed = store.newest;
      now += 1000;
      const again = 'cannot be opened again (Error: the disk is full): the server tries again';
      await expect(append(store, '/a')).rejects.toThrow(again);
    }
    await expect(append(store, '/a')).rejects.toThrow('cannot be opened again');
    now += 1000;
    const again = await append(store, '/a');
    expect(again.id).toBeGreaterThan(failed);
    // Whoever published in between was told, so nothing is missing between the two.
    expect(store.range('/a')).toEqual({ discardedThrough: TODAY * 1000, oldest: id });
    expect(await idsIn(store)).toEqual([id, again.id]);
    await store.close();
    expect(await idsIn(await opened({ path }))).toEqual([id, again.id]);
  });

  it('stores in the order of the calls also those that come while it is opened again', async () => {
    let now = TODAY;
    const store = await opened({ path: folder() }, { ...plenty, now: () => now });
    using disk = watchWrites();
    disk.fail();
    for (const _ of ['written', 'refused'])
      await expect(append(store, '/a')).rejects.toThrow('the disk is full');
    disk.fail(false);
    now += 1000;
    const appended = [append(store, '/a'), append(store, '/a')];
    // Opening ends with a write. What follows it takes some steps, and calls come between them.
    disk.onWrite(() => {
      if (appended.length > 2) return;
      let steps = Promise.resolve();
      for (let at = 0; at < 50; at += 1)
        steps = steps.then(() => {
          appended.push(append(store, '/a'));
        });
    });
    await appended[0];
    expect(appended).toHaveLength(52);
    const ids = (await Promise.all(appended)).map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it('keeps within its bounds, and says what it discarded', async () => {
    const path = folder();
    const store = await opened({ path, maxBytes: 10_000, maxChannels: 3 });
    const events = [];
    for (let at = 0; at < 100; at += 1) events.push(await append(store, `/c/${at % 2}`, 'x'.repeat(500)));
    const ids = await idsIn(store);
    expect(ids.length).toBeGreaterThan(10);
    expect(ids.length).toBeLessThan(20);
    expect(ids).toEqual(events.slice(-ids.length).map(({ id }) => id));
    expect(store.range('/c/*').discardedThrough).toBe(events.at(-ids.length - 1)?.id);
    const more = [await append(store, '/d/0'), await append(store, '/d/1')];
    // Of four channels one went whole, and nothing says that it is complete.
    const all = [...events, ...more];
    const there = new Set((await store.read('/**', 0, 1000)).map(({ channel }) => channel));
    expect(there.size).toBe(3);
    const gone = all.findLast(({ channel }) => !there.has(channel));
    expect(store.range(gone?.channel ?? '').discardedThrough).toBeGreaterThanOrEqual(gone?.id ?? Infinity);
    await store.close();
    const fewer = await opened({ path, maxChannels: 1 });
    expect((await fewer.read('/**', 0, 1000)).every(({ channel }) => channel === more[1]?.channel)).toBe(
      true,
    );
  });

  it('discards what is too much at open, however much that is', async () => {
    const path = folder();
    const store = await opened({ path });
    await Promise.all(Array.from({ length: 25_000 }, () => append(store, '/a')));
    const ids = await idsIn(store);
    await store.close();
    for (const _ of ['the first time', 'again']) {
      const fewer = await opened({ path }, { ...plenty, retention: () => ({ maxEvents: 10, maxAge: 1000 }) });
      expect(await idsIn(fewer)).toEqual(ids.slice(-10));
      expect(fewer.range('/a')).toEqual({ discardedThrough: ids.at(-11), oldest: ids.at(-10) });
      await fewer.close();
    }
  });

  it('remembers of ten thousand channels what was discarded, and of more that something was', async () => {
    const path = folder();
    const retention = (channel: string) => ({ maxEvents: 10, maxAge: channel === '/kept' ? 1e9 : 1000 });
    const short = { ...plenty, retention };
    const store = await opened({ path }, short);
    const kept = await append(store, '/kept');
    const events = await Promise.all(Array.from({ length: 10_005 }, (_, at) => append(store, `/c/${at}`)));
    await store.close();
    const after = { ...short, now: later(1100).now };
    for (const _ of ['the first time', 'again']) {
      const emptied = await opened({ path }, after);
      await emptied.expire();
      const fifth = events[4]?.id;
      expect(await idsIn(emptied)).toEqual([kept.id]);
      expect(emptied.range('/kept')).toEqual({ discardedThrough: TODAY * 1000, oldest: kept.id });
      expect(emptied.newest).toBe(events.at(-1)?.id);
      expect(emptied.range('/c/10004')).toEqual({ discardedThrough: events.at(-1)?.id });
      expect(emptied.range('/c/17')).toEqual({ discardedThrough: events[17]?.id });
      expect(emptied.range('/c/3')).toEqual({ discardedThrough: fifth });
      expect(emptied.range('/elsewhere/*')).toEqual({ discardedThrough: fifth });
      await emptied.close();
    }
  });

  it('casts no doubt on others when a channel is no longer durable', async () => {
    const path = folder();
    const store = await opened({ path });
    const kept = await append(store, '/kept');
    const dropped = await append(store, '/dropped');
    await store.close();
    const retention = (channel: string) => (channel === '/kept' ? plenty.retention(channel) : undefined);
    const changed = await opened({ path }, { ...plenty, retention });
    expect(await idsIn(changed)).toEqual([kept.id]);
    expect(changed.range('/kept')).toEqual({ discardedThrough: TODAY * 1000, oldest: kept.id });
    expect(changed.range('/dropped')).toEqual({ discardedThrough: dropped.id });
  });

  it('reads pages of a pattern over many channels, some busy and some not', async () => {
    const store = await opened({ path: folder() });
    const appended = Array.from({ length: 3000 }, (_, at) =>
      append(store, at % 7 === 0 ? `/p/${at % 500}` : at % 3 === 0 ? '/p/busy' : '/other'),
    );
    const wanted = (await Promise.all(appended)).filter(({ channel }) => channel.startsWith('/p/'));
    const paged = [];
    for (let page = await store.read('/p/*', 0, 50); page.length > 0; ) {
      paged.push(...page);
      page = await store.read('/p/*', paged.at(-1)?.id ?? 0, 50);
    }
    expect(paged).toEqual(wanted);
  });
});
