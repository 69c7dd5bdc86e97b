import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Driver, Heard } from './driver.ts';
import { folder } from './python/clients.js';

const script = fileURLToPath(new URL('python/client.py', import.meta.url));

interface Answer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** An aiocometd client, in a process of its own that ends with the test. */
export function openAiocometd(url: string, transport: string): Driver {
  const child = spawn('python3', [script, url, transport], {
    env: { ...process.env, PYTHONPATH: folder },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return driverOf(child);
}

function driverOf({ stdin, stdout }: ChildProcess): Driver {
  if (stdin === null || stdout === null) throw new Error('no pipes');
  const asked = new Map<number, (answer: Answer) => void>();
  let count = 0;
  createInterface({ input: stdout }).on('line', (line) => {
    const answer: Answer = JSON.parse(line);
    asked.get(answer.number)?.(answer);
    asked.delete(answer.number);
  });
  const call = <T>(method: string, ...args: readonly unknown[]): Promise<T> =>
    new Promise((resolve, reject) => {
      count += 1;
      asked.set(count, ({ value, error }) => {
        if (error === undefined) resolve(value as T);
        else reject(new Error(error));
      });
      stdin.write(`${JSON.stringify([count, method, args])}\n`);
    });

  const patterns: string[] = [];
  // The client gives all events by one queue, without the pattern that each is for.
  const patternOf = (channel: string): string =>
    patterns.find((pattern) => channel === pattern || isBelow(channel, pattern)) ?? '';
  return {
    open: () => call('open'),
    transport: () => call('transport'),
    async subscribe(pattern) {
      await call('subscribe', pattern);
      patterns.push(pattern);
    },
    unsubscribe: (pattern) => call('unsubscribe', pattern),
    publish: (channel, data) => call('publish', channel, data),
    // It has no batches.
    async batch(messages) {
      for (const [channel, data] of messages) await call('publish', channel, data);
    },
    async heard() {
      const all = await call<Omit<Heard, 'pattern'>[]>('heard');
      return all.map(({ channel, data }) => ({ pattern: patternOf(channel), channel, data }));
    },
    handshakes: () => call('handshakes'),
    stopped: () => call('stopped'),
    close: () => call('close'),
  };
}

function isBelow(channel: string, pattern: string): boolean {
  return pattern.endsWith('*') && channel.startsWith(pattern.replace(/\*+$/, ''));
}
