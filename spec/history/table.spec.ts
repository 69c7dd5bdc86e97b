import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it, vi } from 'vitest';
import * as snappy from '../../src/features/history/level/snappy.ts';
import { isFinished, verifyTable } from '../../src/features/history/level/table.ts';
import { folder } from './folder.ts';

const FOOTER = 48;

/** The largest table of a database with so many entries. */
async function tableOf(entries: number): Promise<Buffer> {
  const path = folder();
  const db = new ClassicLevel(path);
  await db.open();
  const batch = db.batch();
  for (let at = 0; at < entries; at += 1)
    batch.put(
      `e${String(at * 7919).padStart(16, '0')}/room/of/a/long/name`,
      `${Math.random()}`.repeat(at % 20),
    );
  await batch.write();
  await db.compactRange('a', 'z');
  await db.close();
  const tables = readdirSync(path).filter((name) => name.endsWith('.ldb'));
  const found = tables.map((name) => readFileSync(join(path, name))).sort((a, b) => b.length - a.length);
  return found[0] ?? expect.unreachable('no table');
}

describe.each([1, 100, 20_000])('a table of LevelDB with %i entries', (entries) => {
  it('is as it was written', async () => {
    const table = await tableOf(entries);
    expect(isFinished(table)).toBe(true);
    expect(() => verifyTable(table)).not.toThrow();
  });

  it('shows each byte that is wrong before the footer', async () => {
    const table = await tableOf(entries);
    const unseen: number[] = [];
    const step = Math.ceil(table.length / 300);
    for (let at = 0; at < table.length - FOOTER; at += step) {
      const before = table[at] ?? 0;
      table[at] = before ^ (1 + (at % 255));
      if (isSeen(table)) table[at] = before;
      else unseen.push(at);
    }
    expect(unseen).toEqual([]);
  });
});

function isSeen(table: Buffer): boolean {
  try {
    verifyTable(table);
    return false;
  } catch {
    return true;
  }
}

it('a long index is compressed, and read', async () => {
  const uncompress = vi.spyOn(snappy, 'unsnappy');
  verifyTable(await tableOf(20_000));
  expect(uncompress).toHaveBeenCalled();
});
