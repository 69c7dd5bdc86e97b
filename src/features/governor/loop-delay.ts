import type { Clock, Timer } from '../../lib/clock.ts';

/** Time between two samples. Milliseconds. */
const STEP = 20;

/** How long the probe runs after the last handshake. Milliseconds. */
const REST = 1_000;

/**
 * Measures the delay of the event loop by how late a timer fires, while handshakes come and no longer. The smaller of the last two
 * samples counts, so that one long task refuses nobody.
 */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #bound: number;
  readonly #changed: (isLate: boolean) => void;
  #samples: readonly [number, number] = [0, 0];
  #wantedUntil = 0;
  #due = 0;
  #timer: Timer | undefined;
  #isLate = false;

  /** Calls `changed` when the delay rises above `bound` milliseconds, and when it falls below again. */
  constructor(clock: Clock, bound: number, changed: (isLate: boolean) => void) {
    this.#clock = clock;
    this.#bound = bound;
    this.#changed = changed;
  }

  get isLate(): boolean {
    return this.#isLate;
  }

  /** A handshake came. */
  watch(): void {
    this.#wantedUntil = this.#clock.now() + REST;
    if (this.#timer === undefined) this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): void {
    this.#due = this.#clock.now() + STEP;
    this.#timer = this.#clock.after(STEP, this.#sample);
  }

  readonly #sample = (): void => {
    const now = this.#clock.now();
    this.#samples = [this.#samples[1], now - this.#due];
    this.#set(Math.min(...this.#samples) > this.#bound);
    if (this.#isLate || now < this.#wantedUntil) this.#next();
    else {
      this.#timer = undefined;
      this.#samples = [0, 0];
    }
  };

  #set(isLate: boolean): void {
    if (isLate === this.#isLate) return;
    this.#isLate = isLate;
    this.#changed(isLate);
  }
}
