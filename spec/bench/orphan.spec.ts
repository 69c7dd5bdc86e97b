import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const echo = fileURLToPath(new URL('../../bench/servers/echo.js', import.meta.url));

it('a server of the bench ends when the bench was gone before it had started', async () => {
  const child = fork(echo);
  onTestFinished(() => void child.kill());
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([0, null]);
});
