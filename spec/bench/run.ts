import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Runs a script of `bench/` to its end. */
export async function run(script: string, flags: readonly string[]) {
  const child = spawn(process.execPath, [
    fileURLToPath(new URL(`../../bench/${script}`, import.meta.url)),
    ...flags,
  ]);
  onTestFinished(() => void child.kill());
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr };
}
