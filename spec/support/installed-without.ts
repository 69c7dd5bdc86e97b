import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** The program as it is installed where nobody asked for this package, as long as the test: its folder. */
export function installedWithout(name: string): string {
  const place = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  for (const part of ['bin', 'dist', 'package.json']) cpSync(part, join(place, part), { recursive: true });
  // Empty: where folders above have it, none is looked for there.
  mkdirSync(join(place, 'node_modules', name), { recursive: true });
  const [first] = name.split('/');
  for (const other of readdirSync('node_modules').filter((one) => one !== first))
    symlinkSync(resolve('node_modules', other), join(place, 'node_modules', other));
  return place;
}

/** Runs the program of this folder to its end. */
export async function runIn(place: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(place, 'bin/bayeuxd.js'), ...args], {
    env: { PATH: process.env.PATH },
  });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { status, stderr };
}
