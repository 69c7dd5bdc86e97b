import type { Clock } from '../lib/clock.ts';
import { printable } from '../lib/printable.ts';
import { ClientError, PollingClient, reasonOf } from './client.ts';

/** What `subscribe` needs of its surroundings. */
export interface Surroundings {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Takes one event, as JSON. */
  print(line: string): void;
  /** Takes what a person wants to know. */
  say(line: string): void;
}

const longestPause = 30_000;

/** `bayeuxd subscribe`: prints events as JSON lines until the signal aborts; a server that went away is waited for. */
export async function subscribe(url: string, pattern: string, around: Surroundings): Promise<void> {
  const { signal, say } = around;
  const client = new PollingClient(url, (event) => around.print(printable(JSON.stringify(event))));
  await open(client, pattern, signal);
  say(`subscribed to ${pattern}`);
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (failures > 0) await open(client, pattern, signal);
      if (failures > 0) say(`subscribed to ${pattern} again; events may be missing`);
      failures = 0;
      await listen(client, pattern, around);
    } catch (error) {
      if (error instanceof SessionOver) throw error;
      if (signal.aborted) break;
      const ms = Math.min(1_000 * 2 ** failures, longestPause);
      failures += 1;
      say(`${reasonOf(error)}; trying again in ${ms / 1_000} s`);
      await pause(ms, around);
    }
  }
  await client.disconnect(AbortSignal.timeout(1_000)).catch(() => undefined); // A server that is gone needs no goodbye.
}

/** The server told the client to stay away. */
class SessionOver extends ClientError {}

async function open(client: PollingClient, pattern: string, signal: AbortSignal): Promise<void> {
  await client.handshake(signal);
  await client.subscribe(pattern, signal);
}

async function listen(client: PollingClient, pattern: string, around: Surroundings): Promise<void> {
  for (;;) {
    const { reconnect, interval } = await client.connect(around.signal);
    if (reconnect === 'none') throw new SessionOver('the server ended the session');
    await pause(interval, around);
    if (reconnect !== 'handshake') continue;
    await open(client, pattern, around.signal);
    around.say(
      `the server had forgotten this session; subscribed to ${pattern} again, events may be missing`,
    );
  }
}

function pause(ms: number, { clock, signal }: Surroundings): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0 || signal.aborted) return resolve();
    const timer = clock.after(ms, done);
    signal.addEventListener('abort', done);
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
