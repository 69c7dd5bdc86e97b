import type { Clock } from '../lib/clock.ts';

/** Waits until all other nodes are reached. */
export class AllReached {
  readonly #clock: Clock;
  readonly #isSo: () => boolean;
  #look = () => {};

  constructor(clock: Clock, isSo: () => boolean) {
    this.#clock = clock;
    this.#isSo = isSo;
  }

  /** Something has changed. */
  look(): void {
    this.#look();
  }

  /** Resolves when all are reached; after so many milliseconds in any case. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.#look = () => {};
        resolve();
      };
      const timer = this.#clock.after(ms, done);
      this.#look = () => {
        if (this.#isSo()) done();
      };
      this.#look();
    });
  }
}
