import type { Subscriptions } from './subscriptions.ts';
import type { Clock } from '../lib/clock.ts';
import type { Directory } from '../ports/directory.ts';
import type { Sessions } from './sessions.ts';

interface Window {
  taken: number;
  readonly endsAt: number;
}

const SWEEP_FROM = 1024;

/** The directory of one node: who is connected here. */
export class LocalDirectory implements Directory {
  readonly #sessions: Sessions;
  readonly #subscriptions: Subscriptions;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();
  #sweepAt = SWEEP_FROM;

  constructor(sessions: Sessions, subscriptions: Subscriptions, clock: Clock) {
    this.#sessions = sessions;
    this.#subscriptions = subscriptions;
    this.#clock = clock;
  }

  sessionsOf(user: string): string[] {
    return Array.from(this.#sessions.ofUser(user), ({ id }) => id);
  }

  members(channel: string): string[] {
    return this.#subscriptions.index.match(channel).map(({ id }) => id);
  }

  count(channel?: string): number {
    return channel === undefined ? this.#sessions.size : this.#subscriptions.index.match(channel).length;
  }

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

  // Each sweep frees what has ended, and the next comes when twice as many have piled up: cheap per window.
  #sweep(now: number): void {
    for (const [key, { endsAt }] of this.#windows) if (endsAt <= now) this.#windows.delete(key);
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#windows.size);
  }
}
