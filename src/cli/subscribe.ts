import type { Clock } from '../lib/clock.ts';
import { pause } from '../lib/pause.ts';
import { jsonLine } from './json-line.ts';
import { Client, extOf } from './client.ts';
import { ClientError } from './client-error.ts';
import { type ClientFlags, clientSettings, countOf } from './client-options.ts';
import type { Incoming } from './link.ts';

export interface Surroundings {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Prints one event, as JSON. */
  print(line: string): void;
  /** Prints a message for the user. */
  say(line: string): void;
}

/** Options of `subscribe`, unparsed. */
export interface SubscribeFlags extends ClientFlags {
  /** A replay id, -1 or -2. */
  readonly from?: string;
  readonly ack?: boolean;
  readonly count?: string;
  /** Seconds. */
  readonly time?: string;
}

const longestPause = 30_000;

/** `bayeuxd subscribe`: prints events as JSON lines until a signal or a limit ends it. Retries an unreachable server. */
export async function subscribe(
  url: string,
  pattern: string,
  around: Surroundings,
  flags: SubscribeFlags = {},
): Promise<void> {
  await new Subscriber(url, pattern, around, flags).run();
}

/** The server advised the client not to reconnect. */
class SessionOver extends ClientError {}

class Subscriber {
  readonly #client: Client;
  readonly #pattern: string;
  readonly #around: Surroundings;
  readonly #most: number;
  readonly #seconds: number | undefined;
  readonly #enough = new AbortController();
  readonly #signal: AbortSignal;
  /** Replay id for the next subscribe; undefined without `--from`. */
  #from: number | undefined;
  #count = 0;

  constructor(url: string, pattern: string, around: Surroundings, flags: SubscribeFlags) {
    const { from, count, time, ack } = flags;
    this.#client = new Client(url, { ...clientSettings(flags), ack }, (event) => this.#receive(event));
    this.#pattern = pattern;
    this.#around = around;
    this.#from = from === undefined ? undefined : countOf('--from', from, -2);
    this.#most = count === undefined ? Number.POSITIVE_INFINITY : countOf('--count', count, 1);
    this.#seconds = time === undefined ? undefined : countOf('--time', time, 1);
    this.#signal = AbortSignal.any([around.signal, this.#enough.signal]);
  }

  async run(): Promise<void> {
    const { clock } = this.#around;
    const late = this.#seconds && clock.after(this.#seconds * 1_000, () => this.#enough.abort());
    try {
      await this.#untilEnough();
    } finally {
      if (late) late.cancel();
      // An unreachable server needs no disconnect.
      await this.#client.disconnect(AbortSignal.timeout(1_000)).catch(() => undefined);
    }
    if (!this.#around.signal.aborted && Number.isFinite(this.#most) && this.#count < this.#most)
      throw new ClientError(`${this.#count} of ${this.#most} events came within ${this.#seconds} s`);
  }

  async #untilEnough(): Promise<void> {
    const { say } = this.#around;
    const signal = this.#signal;
    let failures = 0;
    let isFirst = true;
    while (!signal.aborted) {
      try {
        if (isFirst || failures > 0) await this.#open();
        if (isFirst) say(`subscribed to ${this.#pattern}`);
        else if (failures > 0) say(`subscribed to ${this.#pattern} again; ${this.#resumePoint()}`);
        isFirst = false;
        failures = 0;
        await this.#listen();
      } catch (error) {
        if (signal.aborted) return;
        if (isFirst || error instanceof SessionOver) throw error;
        const ms = Math.min(1_000 * 2 ** failures, longestPause);
        failures += 1;
        say(`${error instanceof Error ? error.message : error}; trying again in ${ms / 1_000} s`);
        await pause(ms, this.#around.clock, signal);
      }
    }
  }

  async #open(): Promise<void> {
    await this.#client.handshake(this.#signal);
    try {
      await this.#client.subscribe(this.#pattern, this.#from, this.#signal);
    } catch (error) {
      const isTooOld = error instanceof ClientError && error.message.includes('replay_id_invalid');
      if (!isTooOld) throw error;
      const lost = `not all events after ${this.#from} are still stored`;
      if (this.#count === 0)
        throw new ClientError(`${lost}: --from -2 starts with the oldest stored event (${error.message})`);
      this.#around.say(`${lost}; events are missing before the next one`);
      await this.#client.subscribe(this.#pattern, -2, this.#signal);
    }
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { reconnect, interval } = await this.#client.connect(this.#signal);
      if (reconnect === 'none') throw new SessionOver('the server ended the session');
      await pause(interval, this.#around.clock, this.#signal);
      if (reconnect !== 'handshake') continue;
      await this.#open();
      this.#around.say(
        `the server had forgotten this session; subscribed to ${this.#pattern} again, ${this.#resumePoint()}`,
      );
    }
  }

  #resumePoint(): string {
    return this.#from === undefined || this.#from < 0 ? 'events may be missing' : `from ${this.#from}`;
  }

  #receive(event: Incoming): void {
    if (this.#count === this.#most) return;
    this.#count += 1;
    this.#around.print(jsonLine(event));
    if (this.#from !== undefined) this.#from = replayIdOf(event) ?? this.#from;
    if (this.#count === this.#most) this.#enough.abort();
  }
}

/** The replay id of an event, if it has one. */
function replayIdOf(event: Incoming): number | undefined {
  const { data } = event;
  const inData = typeof data === 'object' && data !== null && 'event' in data ? data.event : undefined;
  const { replayId = inData } = extOf(event);
  const id: unknown =
    typeof replayId === 'object' && replayId !== null ? Reflect.get(replayId, 'replayId') : replayId;
  return typeof id === 'number' ? id : undefined;
}
