import { isPromise, type MaybePromise } from './maybe-promise.ts';

/** Runs one task after another, in order of arrival (PR-12). A synchronous task costs no promise if the queue is empty. */
export class TaskQueue {
  /** Tasks that wait or run. */
  length: number;
  #last: Promise<unknown> | undefined;

  constructor() {
    this.length = 0;
  }

  /** Settles when all tasks of now are done; undefined if there is none. */
  get last(): Promise<unknown> | undefined {
    return this.#last;
  }

  /** Runs the task when everything before it is done. */
  run<T>(task: () => MaybePromise<T>): MaybePromise<T> {
    const result = this.#last === undefined ? task() : this.#last.then(task, task);
    return isPromise(result) ? this.await(result) : result;
  }

  /** Adds a task that has begun, or waits for the last one: later tasks wait for it. */
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
