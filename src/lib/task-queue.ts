import type { MaybePromise } from './maybe-promise.ts';
import { isPromise } from './maybe-promise.ts';

/**
 * One thing after another, in order of arrival (PR-12). What finds the line empty and finishes at once costs no promise.
 */
export class TaskQueue {
  #last: Promise<unknown> | undefined;
  #waiting = 0;

  /** How many wait, the one at work included. */
  get length(): number {
    return this.#waiting;
  }

  /** Does the work when everything before it is done. */
  run<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#last === undefined) {
      const result = work();
      return isPromise(result) ? this.#follow(result) : result;
    }
    return this.#follow(this.#last.then(work, work));
  }

  #follow<T>(result: Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = (): void => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#last = undefined;
    };
    this.#last = result.then(done, done);
    return result;
  }
}
