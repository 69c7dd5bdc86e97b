import { isPromise, type MaybePromise } from '../../lib/maybe-promise.ts';
import { TaskQueue } from '../../lib/task-queue.ts';

/** Makes calls with the same key one after another. Keeps nothing for a key whose calls are done. */
export class InOrder {
  readonly #queues = new Map<string, TaskQueue>();

  /** `call` must not throw or reject. */
  run(key: string, call: () => MaybePromise<void>): void {
    const queue = this.#queues.get(key) ?? new TaskQueue();
    const done = queue.run(call);
    if (!isPromise(done)) return;
    this.#queues.set(key, queue);
    void done.then(() => {
      if (queue.length === 0) this.#queues.delete(key);
    });
  }
}
