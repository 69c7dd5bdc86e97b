import { expect, it, onTestFinished } from 'vitest';
import { serve } from '../cli/running-program.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readPage } from './markdown.ts';
import { commandsOf, keeps } from './program.ts';
import { runCommand } from './run-commands.ts';

const readme = readPage('README.md');
const [subscribe, publish] = readme.blocks
  .filter(({ heading }) => heading === 'Publishing by HTTP')
  .flatMap(commandsOf);

it('the curl of the README publishes what its `bayeuxd subscribe` prints in another terminal', async () => {
  if (subscribe === undefined || publish === undefined) throw new Error('the README has no two commands');
  const key = 'a-key-for-two-terminals';
  const { url } = await serve(['--api-key', key]);
  const port = Number(new URL(url).port);
  const line = subscribe.text
    .replace('8000', String(port))
    .replace('npx bayeuxd', 'exec node bin/bayeuxd.js');
  const terminal = spawn('sh', ['-c', line]);
  onTestFinished(() => void terminal.kill());
  let said = '';
  terminal.stderr.on('data', (chunk) => (said += chunk));
  while (!said.includes('subscribed to')) await once(terminal.stderr, 'data');

  const [[heard], answered] = await Promise.all([
    once(terminal.stdout, 'data'),
    runCommand(publish, port, { KEY: key }),
  ]);
  expect(keeps(publish.prints, answered)).toBe(true);
  expect(answered).toEqual(['{"channel":"/news","sessions":1}']);
  const shown = /the first then prints `(.*)`/.exec(readme.text)?.[1];
  expect(String(heard)).toBe(`${shown}\n`);
});
