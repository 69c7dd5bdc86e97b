import type { Clock } from '../../lib/clock.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';

/** Limits work in one turn of the event loop, so that other work goes on. The rest waits for later turns, in order. */
export class TurnShare {
  readonly #clock: Clock;
  readonly #perTurn: number;
  #done = 0;
  #waiting: (() => number)[] = [];

  /** `perTurn`: in the units that are passed to `run`. */
  constructor(clock: Clock, perTurn: number) {
    this.#clock = clock;
    this.#perTurn = perTurn;
  }

  /** Does the work now, or in a later turn. */
  run<T>(units: number, work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#waiting.length === 0 && this.#done < this.#perTurn) {
      this.#count(units);
      return work();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
        return units;
      });
    });
  }

  #count(units: number): void {
    if (this.#done === 0) this.#clock.soon(this.#nextTurn);
    this.#done += units;
  }

  readonly #nextTurn = (): void => {
    this.#done = 0;
    let taken = 0;
    for (; taken < this.#waiting.length && this.#done < this.#perTurn; taken += 1)
      this.#count(this.#waiting[taken]?.() ?? 0);
    this.#waiting = this.#waiting.slice(taken);
  };
}
