import { LowestFirst, type Ranked } from '../lib/lowest-first.ts';
import type { Clock, Timer } from '../lib/clock.ts';

/** One that may have a deadline. Its fields are written by `Deadlines` alone: an object for each would take memory. */
export interface Waiter extends Ranked {
  /** When it is looked at: at its deadline, or before if the deadline was moved since. Milliseconds of `Deadlines`. */
  rank: number;
  /** -1 if it waits for no deadline. */
  slot: number;
  /** Its deadline. Milliseconds of `Deadlines`. */
  dueAt: number;
  /** The deadline has passed. */
  onDue(): void;
}

/**
 * The deadlines of all sessions, with one timer. A deadline may be moved often: only one that is moved earlier costs more than a
 * comparison (EX-2). It passes up to a millisecond late, and never early.
 */
export class Deadlines {
  readonly #clock: Clock;
  // Times are whole milliseconds from here on: larger or broken numbers would take memory of their own in each session.
  readonly #origin: number;
  readonly #waiting = new LowestFirst<Waiter>();
  #timer: Timer | undefined;
  #timerAt = 0;
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#origin = clock.now();
  }

  /** Moves a deadline, earlier or later. Milliseconds from now; `Infinity` is no deadline. */
  set(waiter: Waiter, ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) {
      this.cancel(waiter);
      return;
    }
    const now = this.#clock.now() - this.#origin;
    const at = Math.ceil(now + ms);
    waiter.dueAt = at;
    if (waiter.slot === -1) {
      waiter.rank = at;
      this.#waiting.add(waiter);
    } else if (waiter.rank > at) {
      waiter.rank = at;
      this.#waiting.moved(waiter);
    } else return;
    if (this.#timer === undefined || this.#timerAt > at) this.#arm(at, now);
  }

  /** Moves a deadline later, never earlier. Milliseconds from now. */
  putOff(waiter: Waiter, ms: number): void {
    if (waiter.slot === -1) return;
    if (ms === Number.POSITIVE_INFINITY) this.cancel(waiter);
    else waiter.dueAt = Math.max(waiter.dueAt, Math.ceil(this.#clock.now() - this.#origin + ms));
  }

  // A timer that fires too soon, since the one that it was for has gone, is cheaper than a timer for each that comes and goes.
  cancel(waiter: Waiter): void {
    if (waiter.slot === -1) return;
    this.#waiting.remove(waiter);
    waiter.slot = -1;
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(at: number, now: number): void {
    if (this.#isRunning) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.after(Math.max(at - now, 0), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    const now = this.#clock.now() - this.#origin;
    this.#timer = undefined;
    this.#isRunning = true;
    let { first } = this.#waiting;
    try {
      while (first !== undefined && first.rank <= now) {
        if (first.dueAt > now) {
          first.rank = first.dueAt;
          this.#waiting.moved(first);
        } else {
          this.#waiting.remove(first);
          first.slot = -1;
          first.onDue();
        }
        first = this.#waiting.first;
      }
    } finally {
      this.#isRunning = false;
      first = this.#waiting.first;
      if (first !== undefined) this.#arm(first.rank, this.#clock.now() - this.#origin);
    }
  };
}
