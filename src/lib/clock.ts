import { AsyncResource } from 'node:async_hooks';

/** A timer that `after` started. */
export interface Timer {
  cancel(): void;
}

/** Time is passed in as a parameter, so that specs can use a clock that stands still. */
export interface Clock {
  /** Milliseconds since the epoch; never goes back. */
  now(): number;
  /** Calls once, `ms` from now. */
  after(ms: number, call: () => void): Timer;
  /** Calls once, at the end of this turn of the event loop. */
  soon(call: () => void): void;
}

/**
 * Calls come from here and not from the code that asked for them: the end of a turn is that of all its messages, so it must not see the
 * `AsyncLocalStorage` of the first of them. Nor does a timer keep what is in there.
 */
const outside = new AsyncResource('bayeuxd');

class NodeTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(ms: number, call: () => void) {
    // Node would treat a longer delay as 1 ms.
    this.#timeout = outside.runInAsyncScope(setTimeout, undefined, call, Math.min(ms, 2 ** 31 - 1));
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

const startedAt = performance.timeOrigin;

/** The real clock. Monotonic, so that setting the system time expires no session (EX-5). */
export const systemClock: Clock = {
  now: () => startedAt + performance.now(),
  after: (ms, call) => new NodeTimer(ms, call),
  soon: (call) => void outside.runInAsyncScope(setImmediate, undefined, call),
};
