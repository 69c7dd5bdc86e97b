import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HistoryStore } from '../ports/history-store.ts';
import { MemoryHistory } from '../features/history/memory-history.ts';
import { ConfigError } from './config-error.ts';
import type { ProgramOptions } from './options.ts';

/** The history in the folder `path`, or in memory. Throws `ConfigError` if the folder or classic-level is unusable. */
export async function historyStore({
  path,
  sync,
  maxBytes,
  maxChannels,
}: ProgramOptions['history']): Promise<HistoryStore> {
  const bounds = { maxChannels, ...(maxBytes !== undefined && { maxBytes }) };
  if (path === undefined) return new MemoryHistory(bounds);
  await checkFolder(path);
  const { LevelHistory } = await level();
  return new LevelHistory({ path, sync, ...bounds });
}

/**
 * Throws `ConfigError` when the folder cannot hold a history. Does not open the history: the running server
 * may have it open, and files that another user opens belong to that user afterwards.
 */
export async function checkFolder(path: string): Promise<void> {
  await level();
  const why = obstacleAt(path);
  if (why !== undefined)
    throw new ConfigError([{ key: 'history.path', place: 'history.path', message: `${path} ${why}` }]);
}

function obstacleAt(path: string): string | undefined {
  const stats = statsOf(path);
  if (stats === undefined)
    return isUsable(existing(dirname(path)))
      ? undefined
      : 'cannot be made: this user may not write to the folder above it, or that is a file; name another folder';
  if (!stats.isDirectory()) return 'is a file: name a folder, or a path where nothing is yet';
  if (!isUsable(path))
    return 'may not be read and written by this user: change its owner, or name another folder';
  const files = readdirSync(path);
  if (files.length === 0 || files.includes('CURRENT')) return undefined;
  return 'has other files: name an empty folder, or one that does not exist';
}

// For a path below a file `statSync` throws, even with `throwIfNoEntry: false`.
function statsOf(path: string) {
  return existsSync(path) ? statSync(path) : undefined;
}

/** The nearest parent that exists. */
function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}

function isUsable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}

const level = () => import('../features/history/level/level-history.ts').catch(notInstalled);

function notInstalled(cause: unknown): never {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
  const message = missing
    ? 'history.path needs the package classic-level: npm install classic-level'
    : `history.path needs the package classic-level, which does not start here: ${cause}`;
  throw new ConfigError([{ key: 'history.path', place: 'configuration', message }], { cause });
}
