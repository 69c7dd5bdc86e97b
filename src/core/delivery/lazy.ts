import type { Clock, Timer } from '../../lib/clock.ts';

/** What lazy events of one session wait for: the earliest of their deadlines (DL-9). */
export class LazyWait {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  #isOver = false;

  /** Calls when the wait is over. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Whether what waits has waited for long enough. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** An event may wait for so many milliseconds. */
  add(delay: number): void {
    const at = this.#clock.now() + delay;
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.after(delay, () => {
      this.#clear();
      this.#isOver = true;
      this.#onDue();
    });
  }

  /** Nothing waits any more. */
  end(): void {
    this.#isOver = false;
    this.#timer?.cancel();
    this.#clear();
  }

  #clear(): void {
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
