import type { Clock, Timer } from '../lib/clock.ts';

/** A deadline that may be moved often. The timer is replaced only when it has to fire earlier (EX-2). */
export class Deadline {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #at = 0;
  #timer: Timer | undefined;
  #timerAt = 0;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Moves the deadline, earlier or later. Milliseconds from now. */
  set(ms: number): void {
    const now = this.#clock.now();
    this.#at = now + ms;
    if (this.#timer === undefined || this.#timerAt > this.#at) this.#arm(now);
  }

  /** Moves the deadline later, never earlier. Milliseconds from now. */
  putOff(ms: number): void {
    this.#at = Math.max(this.#at, this.#clock.now() + ms);
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #arm(now: number): void {
    this.#timer?.cancel();
    this.#timerAt = this.#at;
    const left = this.#at - now;
    this.#timer = Number.isFinite(left) ? this.#clock.after(left, this.#onTimer) : undefined;
  }

  readonly #onTimer = (): void => {
    const now = this.#clock.now();
    this.#timer = undefined;
    // The deadline was moved, or the timer fired slightly early.
    if (this.#at - now >= 1) this.#arm(now);
    else this.#onDue();
  };
}
