import type { Clock } from './clock.ts';

interface Window {
  taken: number;
  readonly endsAt: number;
}

const SWEEP_FROM = 1024;

/** Counts uses by key, within a window of time for each key. */
export class RateLimits {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();
  #sweepAt = SWEEP_FROM;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one use of the `limit` that `key` has in every `ms` milliseconds; false when none is left. */
  take(key: string, limit: number, ms: number): boolean {
    const now = this.#clock.now();
    let window = this.#windows.get(key);
    if (window === undefined || window.endsAt <= now) {
      if (this.#windows.size >= this.#sweepAt) this.#sweep(now);
      window = { taken: 0, endsAt: now + ms };
      this.#windows.set(key, window);
    }
    window.taken += 1;
    return window.taken <= limit;
  }

  // Removes ended windows. The next sweep runs when the map has doubled, so that the cost for each window stays small.
  #sweep(now: number): void {
    for (const [key, { endsAt }] of this.#windows) if (endsAt <= now) this.#windows.delete(key);
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#windows.size);
  }
}
