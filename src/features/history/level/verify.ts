import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, damaged, reasonOf } from './database.ts';
import { isFinished, verifyTable } from './table.ts';

/**
 * Throws `HistoryError` when a table of a database is damaged. LevelDB does not look at the checksums of its tables: some wrong bytes
 * in them end the process by an assertion. What is wrong in its other files it finds itself.
 */
export async function verifyTables(path: string): Promise<void> {
  for (const name of await tablesIn(path)) {
    try {
      const table = await readFile(join(path, name));
      // LevelDB removes one that was being written when the process ended, and refuses any other without an end.
      if (isFinished(table)) verifyTable(table);
    } catch (cause) {
      // The process that has the database open may have removed it meanwhile.
      if (codeOf(cause) === 'ENOENT') continue;
      throw damaged(path, new Error(`${name}: ${reasonOf(cause)}`, { cause }));
    }
  }
}

async function tablesIn(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []); // Opening it says why not.
  return names.filter((name) => /\.(?:ldb|sst)$/.test(name));
}
