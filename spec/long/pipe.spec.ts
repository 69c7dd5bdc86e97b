import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';

const program = [process.execPath, 'bin/bayeuxd.js'].join(' ');
const events = 100_000;

/** Starts the program, and gives where it listens. */
async function serve(): Promise<string> {
  const history = { maxEvents: 2 * events };
  const channels = JSON.stringify({ '/from': { history }, '/to': { history } });
  const child = spawn(process.execPath, ['bin/bayeuxd.js', '--port', '0', '--channels', channels], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) {
    const url = /Bayeux +(\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the program ended');
}

/** Runs a pipeline of the shell, and gives what it prints. */
async function shell(line: string): Promise<string> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect({ line, status }).toEqual({ line, status: 0 });
  return output;
}

it.each(['http', 'ws'])(
  'carries 100,000 events from publish to subscribe to publish, and loses none: %s',
  async (scheme) => {
    const url = (await serve()).replace(/^http/, scheme);
    const subscribe = (channel: string) =>
      `${program} subscribe ${url} ${channel} --from -2 --ack --count ${events} --time 600`;
    const published = `published ${events} events\n`;
    // The subscriber is there first, and sees most of it live.
    const piped = shell(`${subscribe('/from')} | ${program} publish ${url} /to -`);
    expect(await shell(`seq 1 ${events} | ${program} publish ${url} /from -`)).toBe(published);
    expect(await piped).toBe(published);
    const lines = (await shell(subscribe('/to'))).trimEnd().split('\n');
    const numbers: unknown[] = lines.map((line) => JSON.parse(line).data.data);
    expect(numbers).toEqual(Array.from({ length: events }, (_, at) => at + 1));
  },
);
