import type { Clock } from '../../lib/clock.ts';
import type { Dial, RedisLine } from './line.ts';
import { PendingCommands } from './pending-commands.ts';
import { RedisError } from './redis-error.ts';
import { Retry } from './retry.ts';

/**
 *           line opened   line lost, late answer, refused for now   close
 *  away     open          -                                         closed
 *  open     -             away                                      closed
 *  closed   -             -                                         -
 */
export type ConnectionState =
  /** `runId` changes when Redis restarts or another Redis answers; undefined where it may not be asked. */
  | { readonly is: 'open'; readonly runId: string | undefined }
  | { readonly is: 'away'; readonly reason: Error }
  | { readonly is: 'closed' };

/** What a connection is made with. */
export interface RedisConnectionOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  /** How long a command, or opening a line, may take. Milliseconds; 1000 if absent. */
  readonly timeout?: number;
  /** From 0 to 1: the jitter of reconnects. `Math.random` if absent. */
  readonly random?: () => number;
}

/** Errors with which a Redis says that it cannot serve now: the connection is opened anew, maybe to another Redis. */
const NOT_NOW = new Set([
  ...['LOADING', 'READONLY', 'MASTERDOWN', 'MOVED', 'ASK', 'CLUSTERDOWN', 'NOAUTH'],
  // It has no replica that it may write without; it becomes a replica.
  ...['NOREPLICAS', 'UNBLOCKED'],
]);

/**
 * A connection to Redis that is opened anew whenever it is lost. It never sends a command twice: that is for the caller, who knows
 * whether it may. Every command is answered within its time, whatever the client library does.
 */
export class RedisConnection {
  /** How long a command may take if nothing else is said. Milliseconds. */
  readonly timeout: number;
  readonly #dial: Dial;
  readonly #clock: Clock;
  readonly #retry: Retry;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { is: 'away', reason: new Error('the connection to Redis is not open yet') };
  #pending: PendingCommands | undefined;
  #giveUp: (() => void) | undefined;
  #opened = 0;
  #failures = 0;

  constructor({ dial, clock, timeout = 1000, random = Math.random }: RedisConnectionOptions) {
    this.#dial = dial;
    this.#clock = clock;
    this.timeout = timeout;
    this.#retry = new Retry(clock, () => void this.#connect(), random);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** How often the connection was opened again. */
  get reconnects(): number {
    return Math.max(0, this.#opened - 1);
  }

  /** Commands that were refused, or whose answer did not come. */
  get failures(): number {
    return this.#failures;
  }

  /** Begins to connect. Called once. */
  open(): void {
    void this.#connect();
  }

  /** Calls the listener with each new state. The returned function removes it. */
  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when the connection is open, at once if it is. Rejects when it was closed. */
  whenOpen(): Promise<void> {
    if (this.#state.is === 'open') return Promise.resolve();
    if (this.#state.is === 'closed') return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      const stop = this.onState(({ is }) => {
        if (is === 'away') return;
        stop();
        if (is === 'open') resolve();
        else reject(closed());
      });
    });
  }

  /** Sends one command, at most once. Rejects with a `RedisError`, which tells whether it may have been carried out. */
  send(args: readonly string[], ms: number = this.timeout): Promise<unknown> {
    const pending = this.#pending;
    if (pending === undefined) return Promise.reject(this.#unsent());
    const sent = pending.send(args, ms, () => this.#lose(pending, tooLate(args, ms)));
    return sent.then(
      (reply) => {
        this.#retry.succeeded();
        return reply;
      },
      (error: unknown) => {
        // The first call of each script.
        if (!(error instanceof RedisError) || error.word !== 'NOSCRIPT') this.#failures += 1;
        // A library may fail a command before it tells that the connection is lost.
        if (error instanceof RedisError && (error.outcome === 'unknown' || NOT_NOW.has(error.word))) {
          this.#lose(pending, error);
        }
        throw error;
      },
    );
  }

  /** Gives up the line that is open, for a new one: maybe to another Redis. The outcome of what waits on it is unknown. */
  renew(reason: Error): void {
    if (this.#pending !== undefined) this.#lose(this.#pending, reason);
  }

  close(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    // First: a library may tell that the line is lost while it is destroyed.
    this.#enter({ is: 'closed' });
    this.#retry.cancel();
    this.#giveUp?.();
    pending?.abandon(closed());
  }

  async #connect(): Promise<void> {
    const aborter = new AbortController();
    const deadline = this.#clock.after(this.timeout, () => {
      aborter.abort(new Error(`no connection to Redis within ${this.timeout} ms`));
    });
    this.#giveUp = () => aborter.abort(closed());
    try {
      await this.#openLine(aborter.signal);
    } catch (error) {
      aborter.abort(error);
      this.#away(asError(error));
    } finally {
      deadline.cancel();
    }
  }

  async #openLine(signal: AbortSignal): Promise<void> {
    let pending: PendingCommands | undefined;
    let broken: Error | undefined;
    const lost = (error: Error): void => {
      broken = error;
      if (pending !== undefined) this.#lose(pending, error);
    };
    const line = await orAborted(this.#dial({ lost, signal }), signal);
    try {
      const runId = await orAborted(greet(line), signal);
      if (broken !== undefined) throw broken;
      pending = new PendingCommands(line, this.#clock);
      this.#pending = pending;
      this.#opened += 1;
      this.#enter({ is: 'open', runId });
    } catch (error) {
      line.destroy();
      throw error;
    }
  }

  #lose(pending: PendingCommands, reason: Error): void {
    if (this.#pending !== pending) return;
    this.#pending = undefined;
    pending.abandon(reason);
    this.#away(reason);
  }

  #away(reason: Error): void {
    if (this.#state.is === 'closed') return;
    this.#retry.later();
    this.#enter({ is: 'away', reason });
  }

  #enter(state: ConnectionState): void {
    if (this.#state.is === 'closed') return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  #unsent(): RedisError {
    const reason = this.#state.is === 'away' ? this.#state.reason : closed();
    return new RedisError('unsent', `not connected to Redis: ${reason.message}`, reason);
  }
}

// PING is refused while Redis loads its data. INFO may be forbidden: then a restart is seen by the birth and the numbers alone.
async function greet(line: RedisLine): Promise<string | undefined> {
  const [info] = await Promise.all([line.send(['INFO', 'server']).catch(() => ''), line.send(['PING'])]);
  return /^run_id:(\w+)/m.exec(String(info))?.[1];
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function tooLate([command]: readonly string[], ms: number): Error {
  return new Error(`Redis did not answer ${command} within ${ms} ms`);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

const closed = (): RedisError => new RedisError('unsent', 'the connection to Redis is closed');
