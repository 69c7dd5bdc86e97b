import type { Clock } from '../../lib/clock.ts';

/** How long a sample counts. Milliseconds. */
const LIFETIME = 1_000;

/**
 * Measures the delay of the event loop while handshakes come and no longer: how long a whole turn takes, from the end of one turn to
 * the end of the next. The smaller of the last two samples counts, so that one long task refuses nobody.
 */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #bound: number;
  readonly #changed: (isLate: boolean) => void;
  #last = 0;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #isMeasuring = false;
  #isLate = false;

  /** Calls `changed` when the delay rises above `bound` milliseconds, and when it falls below again. */
  constructor(clock: Clock, bound: number, changed: (isLate: boolean) => void) {
    this.#clock = clock;
    this.#bound = bound;
    this.#changed = changed;
  }

  /** A handshake came. Returns whether the delay is above the bound. */
  watch(): boolean {
    this.#measure();
    if (this.#isLate && this.#clock.now() - this.#sampledAt > LIFETIME) this.#set(false);
    return this.#isLate;
  }

  #measure(): void {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    this.#clock.soon(() => {
      const from = this.#clock.now();
      this.#clock.soon(() => this.#sample(from));
    });
  }

  #sample(from: number): void {
    const now = this.#clock.now();
    const before = now - this.#sampledAt > LIFETIME + this.#last ? 0 : this.#last;
    this.#isMeasuring = false;
    this.#last = now - from;
    this.#sampledAt = now;
    this.#set(Math.min(before, this.#last) > this.#bound);
  }

  #set(isLate: boolean): void {
    if (isLate === this.#isLate) return;
    this.#isLate = isLate;
    this.#changed(isLate);
  }
}
