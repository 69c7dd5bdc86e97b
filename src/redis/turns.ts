import type { Clock } from '../lib/clock.ts';

/** Time after which other work of the process gets its turn. Milliseconds. */
const LONGEST = 10;

/** Splits long work over turns of the event loop, so that sockets, timers and beats are served in between. */
export class Turns {
  readonly #clock: Clock;
  // When the work of this turn began.
  #since: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Call it before each piece of work. A promise, if there is one, resolves in the next turn. */
  next(): Promise<void> | undefined {
    if (this.#since === undefined) {
      this.#since = this.#clock.now();
      this.#clock.soon(() => {
        this.#since = undefined;
      });
      return undefined;
    }
    if (this.#clock.now() - this.#since < LONGEST) return undefined;
    return new Promise((resolve) => this.#clock.soon(resolve));
  }
}
