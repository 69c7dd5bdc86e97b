import type { Clock, Timer } from '../../lib/clock.ts';

/** The timer of the lazy events of one session. It runs to the earliest deadline (DL-9). */
export class LazyWait {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  /** Whether a deadline has passed since events began to wait. Written by the wait alone. */
  isOver = false;

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** An event may wait for so many milliseconds. */
  add(delay: number): void {
    const at = this.#clock.now() + delay;
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.after(delay, () => {
      this.#clear();
      this.isOver = true;
      this.#onOver();
    });
  }

  /** No event waits any more. */
  end(): void {
    this.isOver = false;
    this.#timer?.cancel();
    this.#clear();
  }

  #clear(): void {
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
