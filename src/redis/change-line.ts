import type { Clock } from '../lib/clock.ts';
import { Retry } from './connection/retry.ts';
import type { RedisConnection } from './connection/redis-connection.ts';
import { RedisError } from './connection/redis-error.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import type { Stopped } from './publish-line.ts';
import type { Caller, Outcome } from './scripts/script.ts';

/** Changes, and bytes, that go in one call; one change goes whatever its size. */
const PAGE = 500;
const PAGE_BYTES = 262_144;

interface Call<Change> {
  readonly number: number;
  readonly changes: readonly Change[];
}

interface Waiter {
  readonly key: string;
  /** Number of the call that carries it out; undefined while it waits for one. */
  number: number | undefined;
  readonly settle: (error?: Error) => void;
}

/** What a change line is made with. */
export interface ChangeLineOptions<Change> {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  /** How long a change may take before its caller is told that it failed. Milliseconds. */
  readonly hold: number;
  /** Runs the script. */
  readonly call: (caller: Caller, number: number, changes: readonly Change[]) => Promise<Outcome<void>>;
  /** Changes with one key: only the last of those that wait counts. */
  readonly keyOf: (change: Change) => string;
  /** About what a change takes in a call, if that can be much. Bytes. */
  readonly bytesOf?: (change: Change) => number;
  /** Called once for each stop. */
  readonly stopped: (why: Stopped) => void;
}

/**
 * Tells Redis what changed on this node, such as its interests: one call after another, each sent under its number until its outcome is
 * known. Changes that wait go together. The line begins with `resume`.
 */
export class ChangeLine<Change> {
  readonly #options: ChangeLineOptions<Change>;
  readonly #retry: Retry;
  readonly #stopListening: () => void;
  #changes = new Map<string, Change>();
  readonly #waiters = new Set<Waiter>();
  #call: Call<Change> | undefined;
  #isUnderway = false;
  #last = 0;
  #caller: Caller | undefined;

  constructor(options: ChangeLineOptions<Change>) {
    this.#options = options;
    this.#retry = new Retry(options.clock, () => this.#go());
    this.#stopListening = options.connection.onState(() => this.#go());
  }

  /** Changes that wait for a call. */
  get waiting(): number {
    return this.#changes.size;
  }

  /** The last number in use. */
  get last(): number {
    return this.#call?.number ?? this.#last;
  }

  /**
   * Resolves when the change is in force. Rejects with `EngineUnavailable` after `hold`; the change is carried out later all the same, unless
   * another one with its key comes.
   */
  tell(change: Change): Promise<void> {
    const key = this.#options.keyOf(change);
    this.#changes.set(key, change);
    const told = new Promise<void>((resolve, reject) => {
      const { clock, hold } = this.#options;
      const waiter: Waiter = {
        key,
        number: undefined,
        settle: (error) => {
          timer.cancel();
          this.#waiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const timer = clock.after(hold, () =>
        waiter.settle(new EngineUnavailable('Redis could not be reached in time')),
      );
      this.#waiters.add(waiter);
    });
    if (this.#changes.size === 1) this.#options.clock.soon(() => this.#go());
    return told;
  }

  /**
   * Goes on after a beat. `last`: the last number that Redis carried out. `all`: all that is in force, where Redis may have lost
   * any of it.
   */
  resume(caller: Caller, last: number, all?: readonly Change[]): void {
    this.#caller = caller;
    if (all !== undefined) this.#beginAnew(last, all);
    else if (this.#call !== undefined && this.#call.number <= last) this.#done(this.#call);
    this.#go();
  }

  /** `all` takes the place of the changes that wait: it says how everything is. */
  replace(all: readonly Change[]): void {
    this.#changes = new Map(all.map((change) => [this.#options.keyOf(change), change]));
    for (const { number, key, settle } of [...this.#waiters])
      if (number === undefined && !this.#changes.has(key)) settle();
    this.#options.clock.soon(() => this.#go());
  }

  close(): void {
    this.#caller = undefined;
    this.#stopListening();
    this.#retry.cancel();
    for (const waiter of [...this.#waiters]) waiter.settle(new EngineUnavailable('the engine is closed'));
  }

  #go(): void {
    if (this.#caller === undefined || this.#isUnderway || this.#retry.isPending) return;
    if (this.#options.connection.state.is !== 'open') return;
    this.#call ??= this.#nextCall();
    if (this.#call !== undefined) void this.#send(this.#call, this.#caller);
  }

  #nextCall(): Call<Change> | undefined {
    if (this.#changes.size === 0) return undefined;
    const number = this.#last + 1;
    const page = this.#takePage();
    for (const waiter of this.#waiters) if (page.has(waiter.key)) waiter.number ??= number;
    return { number, changes: [...page.values()] };
  }

  #takePage(): Map<string, Change> {
    const { bytesOf } = this.#options;
    const page = new Map<string, Change>();
    let bytes = 0;
    for (const [key, change] of this.#changes) {
      bytes += bytesOf?.(change) ?? 0;
      if (page.size === PAGE || (page.size > 0 && bytes > PAGE_BYTES)) break;
      page.set(key, change);
      this.#changes.delete(key);
    }
    return page;
  }

  async #send(call: Call<Change>, caller: Caller): Promise<void> {
    this.#isUnderway = true;
    try {
      const outcome = await this.#options.call(caller, call.number, call.changes);
      this.#retry.succeeded();
      if (outcome.is === 'OK') this.#done(call);
      else this.#stop(outcome.is);
    } catch (error) {
      if (error instanceof RedisError && error.outcome === 'refused') this.#retry.later();
    }
    this.#isUnderway = false;
    this.#go();
  }

  #done({ number }: Call<Change>): void {
    this.#call = undefined;
    this.#last = number;
    for (const waiter of [...this.#waiters]) if (waiter.number === number) waiter.settle();
  }

  #stop(why: Stopped): void {
    if (this.#caller === undefined) return;
    this.#caller = undefined;
    this.#options.stopped(why);
  }

  #beginAnew(last: number, all: readonly Change[]): void {
    this.#call = undefined;
    this.#last = last;
    for (const waiter of this.#waiters) waiter.number = undefined;
    // A change that is not among them was taken back, and Redis does not have it.
    this.replace(all);
  }
}
