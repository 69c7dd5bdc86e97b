import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Command, onPort } from './program.ts';

/** Runs a shell command and gives the lines it prints. Throws when it fails. */
export function runCommand({ text }: Command, port: number, env: Record<string, string>): Promise<string[]> {
  const line = onPort(text, port).replace(/^(npx )?bayeuxd /, () => `${program()} `);
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-c', line],
      { env: { ...process.env, ...env }, timeout: 10_000 },
      (error, out, err) => {
        if (error !== null) reject(new Error(`${line}\n${err || error.message}`));
        else resolve(out.split('\n').filter((printed) => printed !== ''));
      },
    );
  });
}

function program(): string {
  if (!existsSync('dist/cli/main.js')) throw new Error('there is no dist: npm run build first');
  return 'node bin/bayeuxd.js';
}
