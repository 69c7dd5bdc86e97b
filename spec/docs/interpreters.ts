import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Block } from './markdown.ts';
import { onPort } from './program.ts';

/** The commands that run blocks in other languages: each reads the program from its input. */
export const interpreters: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  php: ['php'],
  python: ['python3', '-'],
  ruby: ['ruby', '-'],
};

export function isInstalled(language: string): boolean {
  const [command = ''] = interpreters[language] ?? [];
  return spawnSync(command, ['--version']).status === 0;
}

/** Runs a block, and returns the lines it prints. Throws when it fails. */
export async function interpret(
  { language, text: code }: Block,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const [command = '', ...args] = interpreters[language] ?? [];
  const child = spawn(command, args, { env: { ...process.env, ...env } });
  child.stdin.end(onPort(code, port));
  const [out, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${errors}${out}`);
  return out.split('\n').filter((line) => line !== '');
}
