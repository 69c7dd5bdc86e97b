import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it } from 'vitest';
import { survivesDamage } from './damage-run.ts';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';
import { copyOf, folder, idsIn, later, opened, plenty, TODAY } from './folder.ts';

/** The file that the last records are in. */
function lastLog(path: string): string {
  const logs = readdirSync(path).filter((name) => name.endsWith('.log'));
  return join(path, logs.sort().at(-1) ?? '');
}

/** A history that was being written to: each event's id, and how long the log was when it was stored. */
async function interrupted(count: number) {
  const path = folder();
  const store = await opened({ path });
  const events: { readonly id: number; readonly end: number }[] = [];
  for (let at = 0; at < count; at += 1) {
    const { id } = await store.append(`/room/${at % 3}`, JSON.stringify({ data: 'x'.repeat(at * 7) }));
    events.push({ id, end: statSync(lastLog(path)).size });
  }
  return { path: copyOf(path), events };
}

async function refusal(path: string): Promise<string> {
  const store = new LevelHistory({ path });
  return store.open(plenty).then(
    () => expect.unreachable('it opened'),
    (error) => `${error.name}: ${error.message}`,
  );
}

describe('a history of a process that was killed', () => {
  it('has everything that was stored', async () => {
    const { path, events } = await interrupted(200);
    expect(await idsIn(await opened({ path }))).toEqual(events.map(({ id }) => id));
  });

  it('has everything before a record that was not written whole, wherever that breaks off', async () => {
    const { path, events } = await interrupted(12);
    const whole = statSync(lastLog(path)).size;
    const began = events[0]?.end ?? 0;
    expect(whole).toBe(events.at(-1)?.end);
    // Every thirteenth place, and others each time.
    for (let length = whole - Math.floor(Math.random() * 13); length >= began; length -= 13) {
      truncateSync(lastLog(path), length);
      const store = await opened({ path: copyOf(path) }, later(1000));
      const stored = events.filter(({ end }) => end <= length).map(({ id }) => id);
      expect(await idsIn(store)).toEqual(stored);
      // What was lost was issued: its ids are not issued again.
      const { id } = await store.append('/room/0', '{}');
      expect(id).toBeGreaterThan(events.at(-1)?.id ?? 0);
      expect(await idsIn(store)).toEqual([...stored, id]);
      await store.close();
    }
  });

  it.each([1, 6, 7, 100, 5000, 40_000])(
    'is not put off by %i bytes of something else behind',
    async (bytes) => {
      const { path, events } = await interrupted(20);
      for (const byte of [0, 1, 0xa5, 0xff]) {
        const copy = copyOf(path);
        appendFileSync(lastLog(copy), Buffer.alloc(bytes, byte));
        const store = await opened({ path: copy }, later(1000));
        expect(await idsIn(store)).toEqual(events.map(({ id }) => id));
        await store.append('/room/1', '{}');
        await store.close();
        expect(await idsIn(await opened({ path: copy }))).toHaveLength(21);
      }
    },
  );
});

describe('a history whose system fell', () => {
  /** As if the last run had been before the system was started. */
  async function fell(path: string, sync: boolean): Promise<void> {
    const db = new ClassicLevel(path);
    const run = { closed: false, sync, boot: 'another', since: 0 };
    await db.put('mrun', JSON.stringify(run));
    await db.close();
  }

  it('proves nothing of what was before, for the last events may be lost', async () => {
    const { path, events } = await interrupted(4);
    const newest = events.at(-1)?.id ?? 0;
    await fell(path, false);
    const store = await opened({ path }, later(5));
    const present = (TODAY + 5) * 1000;
    expect(store.newest).toBe(present);
    for (const pattern of ['/room/0', '/room/*', '/**', '/other'])
      expect(store.range(pattern).discardedThrough).toBe(present);
    expect(store.range('/room/0').oldest).toBe(events[0]?.id);
    expect(await idsIn(store)).toHaveLength(4);
    await store.close();

    // It stays so; only what came since is proven.
    const again = await opened({ path }, later(6));
    expect(again.range('/room/0').discardedThrough).toBe(present);
    expect((await again.append('/room/0', '{}')).id).toBeGreaterThan(newest);
    expect(again.range('/**').discardedThrough).toBe(present);
  });

  it('has lost nothing when each event waited for the disk', async () => {
    const { path, events } = await interrupted(4);
    await fell(path, true);
    const store = await opened({ path }, later(5));
    expect(store.newest).toBe(events.at(-1)?.id);
    expect(store.range('/room/0')).toEqual({ discardedThrough: TODAY * 1000, oldest: events[0]?.id });
  });

  it('has lost nothing when it had been closed before', async () => {
    const path = folder();
    const store = await opened({ path });
    const { id } = await store.append('/room/0', '{}');
    await store.close();
    const db = new ClassicLevel(path);
    const run = JSON.parse((await db.get('mrun')) ?? '{}');
    expect(run.closed).toBe(true);
    await db.put('mrun', JSON.stringify({ ...run, boot: 'another', since: 0 }));
    await db.close();
    expect((await opened({ path }, later(5))).newest).toBe(id);
  });
});

/** A folder whose events are in tables: so many that these have several blocks. */
async function withTable(): Promise<string> {
  const path = folder();
  for (let run = 0; run < 2; run += 1) {
    const store = await opened({ path });
    const stored = Array.from({ length: 250 }, () => store.append('/room/0', JSON.stringify({ data: run })));
    await Promise.all(stored);
    await store.close();
  }
  return path;
}

function tableIn(path: string): string {
  return readdirSync(path).find((name) => name.endsWith('.ldb')) ?? '';
}

describe('a history whose files are damaged', () => {
  it('says of nothing that it is recovered that is not all there, in order', async () => {
    for (const [kind, { refused, doubted, whole }] of await survivesDamage(10)) {
      expect(refused + doubted + whole).toBe(10);
      // Most damage shows.
      expect(refused + doubted, kind).toBeGreaterThan(0);
    }
  });

  it.each(['table', 'cut table'])(
    'is refused with the name of the file and what to do: a %s',
    async (what) => {
      const path = await withTable();
      const name = tableIn(path);
      const table = readFileSync(join(path, name));
      if (what === 'table') table[5] = (table[5] ?? 0) ^ 1;
      writeFileSync(join(path, name), what === 'table' ? table : table.subarray(0, 100));
      const why =
        what === 'table' ? `${name}: its block at 0 has a wrong checksum` : `.+${name.slice(0, 6)}.+`;
      expect(await refusal(path)).toMatch(
        new RegExp(
          `^HistoryError: the history in \\S+ cannot be read \\(${why}\\): restore the folder from a copy, or`,
        ),
      );
    },
  );

  it('is not put off by a table that was being written when the process was killed', async () => {
    const path = await withTable();
    const table = readFileSync(join(path, tableIn(path)));
    table[5] = 255;
    writeFileSync(join(path, '000999.ldb'), table.subarray(0, -20));
    expect(await idsIn(await opened({ path }))).toHaveLength(500);
  });

  it('takes over a folder of the format before, and proves nothing of what was in it', async () => {
    const path = folder();
    const db = new ClassicLevel(path);
    const id = TODAY * 1000 + 1;
    await db.batch([
      { type: 'put', key: 'mformat', value: '1' },
      { type: 'put', key: 'mrun', value: JSON.stringify({ closed: true, sync: false, boot: '', since: 0 }) },
      { type: 'put', key: 'c/room/0', value: String(TODAY * 1000) },
      { type: 'put', key: `e${String(id).padStart(16, '0')}/room/0`, value: '{"data":1}' },
    ]);
    await db.close();
    const store = await opened({ path }, later(5));
    expect(await store.read('/room/0', 0, 10)).toMatchObject([
      { id, channel: '/room/0', json: '{"data":1}' },
    ]);
    expect(store.range('/room/0').discardedThrough).toBeGreaterThanOrEqual(id);
    const next = await store.append('/room/0', '{"data":2}');
    await store.close();
    const again = await opened({ path }, later(6));
    expect(await idsIn(again)).toEqual([id, next.id]);
    expect(again.range('/room/0').discardedThrough).toBeLessThan(next.id);
  });
});

describe('an older copy of a history', () => {
  it('issues no id that was issued since', async () => {
    const path = folder();
    let store = await opened({ path });
    await store.append('/a', '{}');
    await store.close();
    const copy = copyOf(path);
    store = await opened({ path }, later(1));
    for (let at = 0; at < 50; at += 1) await store.append('/a', '{}');
    const { newest } = store;
    const restored = await opened({ path: copy }, later(2));
    expect((await restored.append('/a', '{}')).id).toBeGreaterThan(newest);
  });
});

describe('a folder that cannot be used', () => {
  it('is one that is open already, here or in another process', async () => {
    const path = folder();
    await opened({ path });
    expect(await refusal(path)).toBe(
      `HistoryError: the history in ${path} is in use by another process; give every server a folder of its own`,
    );
  });

  it('is one with other files in it, which are left alone', async () => {
    const path = folder();
    writeFileSync(join(path, 'letter.txt'), 'Dear all');
    expect(await refusal(path)).toBe(
      `HistoryError: the history in ${path} cannot be opened: the folder has other files; name an empty folder, or one that does not exist`,
    );
    expect(readdirSync(path)).toEqual(['letter.txt']);
  });

  it('is a file, or below one', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, '');
    expect(await refusal(path)).toContain(
      `HistoryError: the history in ${path} cannot be kept there: ENOTDIR`,
    );
    expect(await refusal(join(path, 'below'))).toContain('cannot be kept there: ENOTDIR');
  });

  it.runIf(existsSync('/proc/self'))('is below /proc, where no folder can be made', async () => {
    expect(await refusal('/proc/bayeuxd/history')).toContain('cannot be kept there: ENOENT');
  });

  it('is a database of something else, or of another format', async () => {
    const path = folder();
    const db = new ClassicLevel(path);
    await db.put('some', 'thing');
    await db.close();
    expect(await refusal(path)).toContain(`${path} cannot be read (it is a database of something else)`);
    await db.open();
    await db.put('mformat', '3');
    await db.close();
    expect(await refusal(path)).toContain(`${path} cannot be read (its format is 3, not 2)`);
  });

  it.each(['CURRENT', 'MANIFEST'])('is one whose %s is damaged: it says what to do', async (name) => {
    const { path } = await interrupted(5);
    const file = readdirSync(path).find((one) => one.startsWith(name)) ?? '';
    writeFileSync(join(path, file), 'damaged');
    expect(await refusal(path)).toMatch(
      /^HistoryError: the history in \S+ cannot be read \(.+\): restore the folder from a copy, or move it away: a new history begins then/,
    );
    expect(readFileSync(join(path, file), 'utf8')).toBe('damaged');
  });

  it('is one whose CURRENT is missing: it says what to do', async () => {
    const { path } = await interrupted(5);
    rmSync(join(path, 'CURRENT'));
    expect(await refusal(path)).toMatch(
      /cannot be read \(its file CURRENT is missing\): restore the folder from a copy, or move it away/,
    );
  });

  it('is made, with those above it, for its owner alone', async () => {
    const path = join(folder(), 'not', 'there');
    const store = await opened({ path });
    await store.append('/a', '{}');
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('is refused by name when it is none', () => {
    expect(() => new LevelHistory({ path: '' })).toThrow('path must be a folder, got ""');
    // @ts-expect-error: as JavaScript may call it.
    expect(() => new LevelHistory({ path: 'x', sync: 'yes' })).toThrow('sync must be true or false, got yes');
  });
});

it('a history that is not open says so', async () => {
  const store = new LevelHistory({ path: folder() });
  await expect(store.append('/a', '{}')).rejects.toThrow('is not open');
  await store.open(plenty);
  await expect(store.open(plenty)).rejects.toThrow('is open already');
  await store.close();
  await expect(store.read('/a', 0, 1)).rejects.toThrow('is not open');
});
