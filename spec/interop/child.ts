import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A script that serves, on a port of its own. */
export interface Running {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** The text that it has printed: all of it, and without that of the standard error stream. */
  output(): string;
  stdout(): string;
}

/** Runs a script of this project until the test is over. It uses the package as it is built. */
export async function run(script: string, env: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, [root + script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => ended(child));
  let output = '';
  let stdout = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  child.stdout.on('data', (chunk) => {
    output += chunk;
    stdout += chunk;
  });
  const listens = /http:\/\/127\.0\.0\.1:\d+/;
  await expect.poll(() => output, { timeout: 15_000, interval: 20 }).toMatch(listens);
  return { origin: listens.exec(output)?.[0] ?? '', output: () => output, stdout: () => stdout };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await gone;
}
