import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of its own for one test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'history-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The most that the files in a folder took while the work lasted. Bytes. */
export async function peakWhile(path: string, work: Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, sizeOf(path));
  }, 20);
  await work.finally(() => clearInterval(timer));
  return Math.max(peak, sizeOf(path));
}

function sizeOf(path: string): number {
  let bytes = 0;
  // LevelDB may delete a file between the two calls.
  for (const name of readdirSync(path))
    bytes += statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
