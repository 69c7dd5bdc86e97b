import { isPromise, type MaybePromise } from './maybe-promise.ts';

/** One task after another, in order of arrival (PR-12). A task that finds the queue empty and finishes at once costs no promise. */
export class TaskQueue {
  /** How many tasks wait, the one at work included. */
  length: number;
  #last: Promise<unknown> | undefined;

  constructor() {
    this.length = 0;
  }

  /** Runs the task when everything before it is done. */
  run<T>(task: () => MaybePromise<T>): MaybePromise<T> {
    const result = this.#last === undefined ? task() : this.#last.then(task, task);
    return isPromise(result) ? this.await(result) : result;
  }

  /** Lets what comes next wait for a task that began while the queue was empty. */
  await<T>(result: Promise<T>): Promise<T> {
    this.length += 1;
    const done = (): void => {
      this.length -= 1;
      if (this.length === 0) this.#last = undefined;
    };
    this.#last = result.then(done, done);
    return result;
  }
}
