import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, damaged, reasonOf } from './database.ts';
import { isFinished, verifyTable } from './table.ts';

/**
 * Throws `HistoryError` when a table of a database is damaged. LevelDB does not verify the checksums of its tables, and some
 * wrong bytes there end the process by an assertion. LevelDB detects damage in its other files itself.
 */
export async function verifyTables(path: string): Promise<void> {
  for (const name of await tablesIn(path)) {
    try {
      const table = await readFile(join(path, name));
      // LevelDB removes a table that was being written when the process ended, and refuses any other incomplete table.
      if (isFinished(table)) verifyTable(table);
    } catch (cause) {
      // The process that has the database open may have removed the table meanwhile.
      if (codeOf(cause) === 'ENOENT') continue;
      throw damaged(path, new Error(`${name}: ${reasonOf(cause)}`, { cause }));
    }
  }
}

async function tablesIn(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []); // Opening the database reports the error.
  return names.filter((name) => /\.(?:ldb|sst)$/.test(name));
}
