import type { Clock } from '../lib/clock.ts';
import { inTime } from '../lib/in-time.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import type { Begun, MarksSide, Shared, SharedAnswers } from '../ports/shared.ts';
import { RedisError } from './connection/redis-error.ts';
import { RedisMarks, type SharedCall } from './redis-marks.ts';
import type { RedisNode } from './redis-node.ts';
import { abandon, begin, finish } from './scripts/answers.ts';
import { take } from './scripts/take.ts';

/** How often a call is tried again while Redis does not know the node. Milliseconds. */
const PAUSE = 50;

/** Claims of which so many may have to be ended later. */
const MOST_LEFT = 1000;

/** What the shared state of a cluster is made with. */
export interface RedisSharedOptions {
  readonly clock: Clock;
  /** How long a call waits while Redis cannot be reached. Milliseconds. */
  readonly hold: () => number;
  /** The node; undefined until it is made. */
  readonly node: () => RedisNode | undefined;
  /** For the operator: what could not be done, and what follows from it. */
  readonly failed: (error: unknown) => void;
}

/** Rates, answers and marks of all nodes, in Redis. */
export class RedisShared implements Shared {
  readonly answers: SharedAnswers = {
    begin: (key, claim, ms) => this.#begin(key, claim, ms),
    finish: (key, claim, answer, limits) =>
      this.#held((runner, caller) => finish(runner, caller, key, claim, answer, limits)),
    abandon: (key, claim) => this.#abandon(key, claim),
  };
  readonly #options: RedisSharedOptions;
  readonly #lists: RedisMarks[] = [];
  // Keys by claims that Redis may still have, though nobody works under them.
  readonly #left = new Map<string, string>();

  constructor(options: RedisSharedOptions) {
    this.#options = options;
  }

  async take(bucket: string, rate: number, capacity: number): Promise<number> {
    return this.#once((runner, caller) => take(runner, caller, bucket, rate, capacity));
  }

  marks(name: string, side: MarksSide): RedisMarks {
    const { failed } = this.#options;
    const marks = new RedisMarks({ name, side, failed, call: (script) => this.#once(script) });
    this.#lists.push(marks);
    return marks;
  }

  /** After each beat. `birth`: of the data in Redis. */
  beaten(birth: string): void {
    for (const [claim, key] of this.#left) void this.#abandon(key, claim);
    for (const list of this.#lists) void list.refresh(birth);
  }

  /** Redis was restarted, and may have lost the end of its data. */
  restarted(): void {
    for (const list of this.#lists) list.mayLack();
  }

  /** The engine could not be opened, or is closed. */
  close(): void {
    for (const list of this.#lists) list.close();
  }

  async #begin(key: string, claim: string, ms: number): Promise<Begun> {
    try {
      return await this.#held((runner, caller) => begin(runner, caller, key, claim, ms));
    } catch (error) {
      // Redis may carry it out yet.
      this.#leave(key, claim);
      throw error;
    }
  }

  async #abandon(key: string, claim: string): Promise<void> {
    this.#left.delete(claim);
    try {
      await this.#once((runner, caller) => abandon(runner, caller, key, claim));
    } catch {
      this.#leave(key, claim);
    }
  }

  // One that is forgotten here ends by its time.
  #leave(key: string, claim: string): void {
    this.#left.set(claim, key);
    const [oldest] = this.#left.keys();
    if (this.#left.size > MOST_LEFT && oldest !== undefined) this.#left.delete(oldest);
  }

  /** Rejects with `EngineUnavailable` at once if it cannot be carried out now; it may have been, if its answer was lost. */
  async #once<T>(script: SharedCall<T>): Promise<T> {
    const node = this.#options.node();
    const caller = node?.caller;
    if (node === undefined || caller === undefined) throw new EngineUnavailable('Redis is not reached yet');
    try {
      const outcome = await script(node.runner, caller);
      if (outcome.is === 'OK') return outcome.value;
      throw new EngineUnavailable(`Redis does not know this node just now: ${outcome.is}`);
    } catch (error) {
      if (error instanceof RedisError) throw new EngineUnavailable(error.message, { cause: error });
      throw error;
    }
  }

  /** For scripts that may be sent twice: tries again for `hold`. */
  async #held<T>(script: SharedCall<T>): Promise<T> {
    const { clock, hold } = this.#options;
    const until = clock.now() + hold();
    for (;;) {
      try {
        return await this.#once(script);
      } catch (error) {
        if (!(error instanceof EngineUnavailable) || isRefused(error)) throw error;
        const left = until - clock.now();
        if (left <= 0) throw error;
        await this.#pause(Math.min(PAUSE, left));
        await this.#whenOpen(until - clock.now(), error);
      }
    }
  }

  async #whenOpen(ms: number, error: EngineUnavailable): Promise<void> {
    const commands = this.#options.node()?.commands;
    if (commands === undefined) return;
    const limit = { clock: this.#options.clock, hookTimeout: Math.max(0, ms) };
    await inTime(commands.whenOpen(), 'Redis', limit, () => error).catch(() => {
      throw error;
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(ms, resolve));
  }
}

// Redis answered, such as that it has no memory: it would again.
function isRefused({ cause }: EngineUnavailable): boolean {
  return cause instanceof RedisError && cause.outcome === 'refused';
}
