import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const main = fileURLToPath(new URL('../../bench/soak/main.js', import.meta.url));

async function soak(...flags: readonly string[]) {
  const child = spawn(process.execPath, [main, ...flags]);
  onTestFinished(() => void child.kill());
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr };
}

it.each([[['--hostile', '--minutes', 'x']], [['--minutes', '0']], [['--hostle']], [['10']]])(
  'a soak with %j is refused',
  async (flags) => {
    const { status, stdout, stderr } = await soak(...flags);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('npm run bench:soak -- [--hostile] [--minutes N]');
  },
);

it('a soak tries each kind of hostile client, and loses no event of honest ones', {
  timeout: 60_000,
}, async () => {
  const { stdout, stderr } = await soak('--hostile', '--minutes', '0.05');
  expect(stdout).toMatch(/lost 0, duplicated 0, reordered 0, stray 0, unanswered 0, refused 0, dropped 0/);
  for (const line of [
    /^bad tokens .* error 401 \d+$/m,
    /^forged fields .*error 403/m,
    /^guessed ids .*error 402 .*HTTP 404/m,
    /^oversize bodies .*HTTP 413/m,
    /^malformed frames .*close 100[237]/m,
    /^slow readers .*open at the end/m,
    /^other origins .*HTTP 403/m,
  ])
    expect(stdout).toMatch(line);
  // In so short a run p99 and CPU shares say nothing.
  const faults = stderr.split('\n').filter((line) => /honest clients: |memory|none was tried/.test(line));
  expect(faults).toEqual([]);
});
