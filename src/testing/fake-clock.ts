import { type Clock, systemClock, type Timer } from '../lib/clock.ts';

interface Pending {
  readonly at: number;
  readonly call: () => void;
}

/** Time that stands still until `tick` moves it. `soon` is real: turns of the event loop go on as ever. */
export class FakeClock implements Clock {
  #now = 1_750_000_000_000;
  readonly #pending = new Set<Pending>();

  /** Timers that wait: 0 when nothing was forgotten. */
  get pending(): number {
    return this.#pending.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): Timer {
    const pending = { at: this.#now + ms, call };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  soon(call: () => void): void {
    systemClock.soon(call);
  }

  /** Moves on by so many milliseconds, calling what comes due on the way, in order, and lets each take effect. */
  async tick(ms: number): Promise<void> {
    await settle();
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#now = next.at;
      next.call();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #next(end: number): Pending | undefined {
    let first: Pending | undefined;
    for (const one of this.#pending) {
      if (one.at <= end && (first === undefined || one.at < first.at)) first = one;
    }
    return first;
  }
}

/** Makes a clock whose time stands still until `tick` moves it. */
export function fakeClock(): FakeClock {
  return new FakeClock();
}

// A few turns of the event loop: promises and `soon` have taken effect, sockets may not have.
async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise<void>((resolve) => systemClock.soon(resolve));
}
