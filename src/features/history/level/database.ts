import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { HistoryError } from './history-error.ts';

const wayOut =
  'restore the folder from a copy, or move it away: a new history begins then, and subscribers are told that theirs is gone';

/** Size at which LevelDB turns its log into a table. Two logs may exist at the same time. Bytes. */
const MIN_LOG = 262_144;
const MAX_LOG = 4_194_304;

/**
 * Opens the database in a folder, which is created if needed. An incomplete last record is ignored.
 * Throws `HistoryError` when the folder holds something else, is in use, or is damaged.
 */
export async function openDatabase(path: string, maxBytes: number): Promise<ClassicLevel> {
  makeFolder(path);
  const writeBufferSize = Math.max(MIN_LOG, Math.min(maxBytes / 16, MAX_LOG));
  const db = new ClassicLevel(path, { writeBufferSize });
  try {
    await db.open();
  } catch (error) {
    throw notOpened(path, error);
  }
  return db;
}

function makeFolder(path: string): void {
  try {
    // Only the owner may read the events.
    makeWithParents(path);
    if (readdirSync(path).length === 0 || existsSync(join(path, 'CURRENT'))) return;
  } catch (error) {
    throw new HistoryError(path, `cannot be kept there: ${reasonOf(error)}`, error);
  }
  // LevelDB would create a new database, and remove the files of the old one.
  if (readdirSync(path).some((name) => name.startsWith('MANIFEST-')))
    throw damaged(path, new Error('its file CURRENT is missing'));
  throw new HistoryError(
    path,
    'cannot be opened: the folder has other files; name an empty folder, or one that does not exist',
  );
}

// The recursive form of `mkdirSync` never returns below /proc and its like.
function makeWithParents(path: string): void {
  if (existsSync(path)) return;
  makeWithParents(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function notOpened(path: string, error: unknown): HistoryError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (codeOf(cause) === 'LEVEL_LOCKED')
    return new HistoryError(
      path,
      'is in use by another process; give every server a folder of its own',
      error,
    );
  return damaged(path, cause);
}

/** The error for a history that cannot be read. */
export function damaged(path: string, cause: unknown): HistoryError {
  return new HistoryError(path, `cannot be read (${reasonOf(cause)}): ${wayOut}`, cause);
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
