import type { Clock, Timer } from '../../lib/clock.ts';
import { backoff } from './backoff.ts';

/** Calls again after a pause, which gets longer with each failure until something succeeded. */
export class Retry {
  readonly #clock: Clock;
  readonly #call: () => void;
  readonly #random: () => number;
  #failures = 0;
  #timer: Timer | undefined;

  /** `random`: from 0 to 1. */
  constructor(clock: Clock, call: () => void, random: () => number = Math.random) {
    this.#clock = clock;
    this.#call = call;
    this.#random = random;
  }

  /** Whether a call is due. */
  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** Something failed. */
  later(): void {
    this.#timer ??= this.#clock.after(backoff(this.#failures, this.#random()), () => {
      this.#timer = undefined;
      this.#call();
    });
    this.#failures += 1;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
