import type { HistoryStore } from '../ports/history-store.ts';
import { MemoryHistory } from '../core/history/memory-history.ts';
import { ConfigError } from './config-error.ts';
import type { ProgramOptions } from './options.ts';

/** The history in the folder that is named, or in memory. Throws `ConfigError` when the package for folders is not installed. */
export async function historyStore({
  path,
  sync,
  maxBytes,
  maxChannels,
}: ProgramOptions['history']): Promise<HistoryStore> {
  const bounds = { maxChannels, ...(maxBytes !== undefined && { maxBytes }) };
  if (path === undefined) return new MemoryHistory(bounds);
  const { LevelHistory } = await import('../features/history/level/level-history.ts').catch(notInstalled);
  return new LevelHistory({ path, sync, ...bounds });
}

function notInstalled(cause: unknown): never {
  const missing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
  const message = missing
    ? 'history.path needs the package classic-level: npm install classic-level'
    : `history.path needs the package classic-level, which does not start here: ${cause}`;
  throw new ConfigError([{ key: 'history.path', place: 'configuration', message }], { cause });
}
