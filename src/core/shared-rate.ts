import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { RefusalNotes } from '../ports/refusal-notes.ts';
import type { Shared } from '../ports/shared.ts';

/** The parts of a rate that all nodes share. */
export interface SharedRateParts {
  /** Keeps its keys in the store apart from others. */
  readonly name: string;
  readonly refusals: Pick<RefusalNotes, 'note'>;
  /** Undefined where each node counts for itself. */
  readonly shared: Shared | undefined;
}

/**
 * A rate that all nodes keep together, behind the bucket of this node: one node alone is granted no more either, so that a flood costs the
 * store nothing, and each node keeps the rate by itself while the store is away.
 */
export class SharedRate {
  readonly #parts: SharedRateParts;

  constructor(parts: SharedRateParts) {
    this.#parts = parts;
  }

  /**
   * `wait`: what the bucket of this node answered: 0, or how long the use has to wait. Returns the same for all nodes, at once if none
   * is asked. `rate`: uses a second on average, and at once.
   */
  take(wait: number, key: string, rate: number): MaybePromise<number> {
    const { shared } = this.#parts;
    return wait > 0 || shared === undefined ? wait : this.#takeShared(key, rate, shared);
  }

  async #takeShared(key: string, rate: number, shared: Shared): Promise<number> {
    const { name, refusals } = this.#parts;
    try {
      return await shared.take(`${name} ${key}`, rate, rate);
    } catch (error) {
      const why = `the rate of ${name} cannot be counted over all nodes: each node counts for itself meanwhile`;
      refusals.note('limits.local', { cause: name, why, error });
      return 0;
    }
  }
}
