import type { Clock } from './clock.ts';
import { SweptMap } from './swept-map.ts';

interface Window {
  taken: number;
  readonly endsAt: number;
}

/** Counts uses by key, within a window of time for each key. */
export class RateLimits {
  readonly #clock: Clock;
  readonly #windows = new SweptMap<string, Window>(({ endsAt }, now) => endsAt <= now);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one use of the `limit` that `key` has in every `ms` milliseconds; false when none is left. */
  take(key: string, limit: number, ms: number): boolean {
    const now = this.#clock.now();
    let window = this.#windows.get(key);
    if (window === undefined || window.endsAt <= now) {
      window = { taken: 0, endsAt: now + ms };
      this.#windows.set(key, window, now);
    }
    window.taken += 1;
    return window.taken <= limit;
  }
}
