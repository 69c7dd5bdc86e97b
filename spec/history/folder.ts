import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { HistorySettings, HistoryStore } from '../../src/ports/history-store.ts';
import { LevelHistory, type LevelHistoryOptions } from '../../src/features/history/level/level-history.ts';

/** A folder that does not outlive the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'history-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The folder as it would be found if the process were killed now. */
export function copyOf(path: string): string {
  const copy = folder();
  cpSync(path, copy, { recursive: true });
  return copy;
}

export const TODAY = Date.UTC(2026, 2, 1, 12);

/** A clock that stands still, and plenty of room. */
export const plenty: HistorySettings = {
  retention: () => ({ maxEvents: 100_000, maxAge: 86_400_000 }),
  now: () => TODAY,
};

/** The same at a later time. */
export const later = (ms: number): HistorySettings => ({ ...plenty, now: () => TODAY + ms });

/** A history that is open until the test is over. */
export async function opened(
  options: LevelHistoryOptions,
  settings: HistorySettings = plenty,
): Promise<LevelHistory> {
  const store = new LevelHistory(options);
  await store.open(settings);
  onTestFinished(() => store.close().catch(() => {})); // The test may have closed it.
  return store;
}

/** The ids that are there. */
export async function idsIn(store: HistoryStore, pattern = '/**'): Promise<number[]> {
  return (await store.read(pattern, 0, 1_000_000)).map(({ id }) => id);
}
