import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { ServerOptions } from '../../src/index.ts';
import { HttpClient } from '../long/http-client.ts';

const script = fileURLToPath(new URL('./server.js', import.meta.url));

/** What a process holds after its garbage was collected. Bytes. */
export interface Memory {
  /** Resident memory of the process. Node gives memory back late: for a lower bound look at `held`. */
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers outside the heap. */
  readonly external: number;
  readonly sessions: number;
  /** What the heap may grow to: by Node's version more or less above what was asked for. */
  readonly limit: number;
}

/** What a history is made with. */
interface Kept {
  readonly path?: string;
  readonly maxBytes?: number;
}

/** A server of the build in `dist/`, in a process of its own with a small heap. It lasts as long as the test. */
export class MeasuredServer {
  readonly url: string;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.url = `http://127.0.0.1:${port}/bayeux`;
  }

  /** `heap` is in MiB. Options must be JSON. `kept` is what the history is made with: in a folder where there is a path. */
  static async start(options: ServerOptions = {}, heap = 256, kept: Kept = {}): Promise<MeasuredServer> {
    const child = fork(script, [JSON.stringify(options), JSON.stringify(kept)], {
      execArgv: ['--expose-gc', `--max-old-space-size=${heap}`],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [{ port }] = await once(child, 'message');
    return new MeasuredServer(child, port);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Collects garbage and measures; publishes first, if asked to. */
  async measure(publish?: { readonly channel: string; readonly data: unknown }): Promise<Memory> {
    return this.#ask({ publish });
  }

  /** Publishes to so many channels below /d, an event each, and measures. */
  async spread(channels: number): Promise<Memory> {
    return this.#ask({ spread: channels });
  }

  async #ask(what: object): Promise<Memory> {
    const answer = once(this.#child, 'message');
    this.#child.send(what);
    const [{ measured }] = await answer;
    return measured;
  }
}

/** What the server holds: its heap and the buffers outside it. Bytes. */
export function held({ heapUsed, external }: Memory): number {
  return heapUsed + external;
}

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

/**
 * Works with the server as a client that means no harm, one request after another, as long as the flood runs: handshake,
 * subscribe, publish, and read the own event, disconnect. Gives the 99th percentile of the times that requests took. Milliseconds.
 */
export async function politeWhile(url: string, flood: Promise<unknown>): Promise<number> {
  const client = new HttpClient(url, 1);
  const times: number[] = [];
  let isOver = false;
  const over = flood.finally(() => {
    isOver = true;
  });
  const post: Post = async (message) => {
    const begun = performance.now();
    const answer = await client.post(message);
    times.push(performance.now() - begun);
    return answer;
  };
  while (!isOver || times.length < 100) await round(post);
  client.close();
  await over;
  times.sort((one, other) => one - other);
  return times[Math.min(times.length - 1, Math.floor(times.length * 0.99))] ?? 0;
}

type Post = (message: object) => Promise<readonly { readonly [key: string]: unknown }[]>;

async function round(post: Post): Promise<void> {
  const [welcome] = await post(handshake);
  const clientId = String(welcome?.clientId);
  const say = (channel: string, fields: object = {}) => post({ channel, clientId, ...fields });
  await say('/meta/subscribe', { subscription: '/polite' });
  const answer = await say('/polite', { data: 'hello' });
  if (!answer.some((one) => one.data === 'hello')) throw new Error(`no event: ${JSON.stringify(answer)}`);
  await say('/meta/disconnect');
}
