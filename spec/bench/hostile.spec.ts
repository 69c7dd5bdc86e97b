import { expect, it } from 'vitest';
import { run } from './run.ts';

const soak = (...flags: readonly string[]) => run('soak/main.js', flags);

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
    /^bad tokens .* error 401/m,
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
