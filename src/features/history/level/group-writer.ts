import type { ChainedBatch, ClassicLevel } from 'classic-level';
import { HistoryError } from './history-error.ts';
import * as keys from './keys.ts';
import { seal } from './sealed.ts';

/** The data that is written with each group. */
export interface Seal {
  /** The highest id that was issued. */
  newest(): number;
  /** The head of the store after this group. */
  head(): string;
  /** Called when a group is written, with the highest id that was issued by then. */
  written(newest: number): void;
}

/**
 * Writes to the database in groups. Changes that come while a group is being written form the next group. A group is one batch,
 * written at once or not at all, with one wait for the disk. After a failed write nothing more is written, since the database
 * may have half of the group: all calls throw `HistoryError`, or reject, until the database is opened again with another writer.
 */
export class GroupWriter {
  readonly #db: ClassicLevel;
  readonly #sync: boolean;
  readonly #seal: Seal;
  #batch: ChainedBatch<ClassicLevel, string, string> | undefined;
  // Values that change often: a group has only the last value of each.
  #values = new Map<string, number>();
  #size = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: HistoryError | undefined;

  /** With `sync`, a group counts as written when it is on the disk. */
  constructor(db: ClassicLevel, sync: boolean, end: Seal) {
    this.#db = db;
    this.#sync = sync;
    this.#seal = end;
  }

  /** The error after which nothing is written any more. */
  get failure(): HistoryError | undefined {
    return this.#failure;
  }

  /** Changes in the next group. */
  get size(): number {
    return this.#size;
  }

  put(key: string, value: string): void {
    this.#join().put(key, seal(key, value));
  }

  del(key: string): void {
    this.#values.delete(key);
    this.#join().del(key);
  }

  /** Puts a value; the next one for the same key in this group replaces it. */
  set(key: string, value: number): void {
    this.#join();
    this.#values.set(key, value);
  }

  /** Resolves when all earlier changes are written. */
  written(): Promise<void> {
    return this.#last;
  }

  #join(): ChainedBatch<ClassicLevel, string, string> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#size += 1;
    if (this.#batch !== undefined) return this.#batch;
    this.#batch = this.#db.batch();
    this.#last = this.#last.then(() => this.#write());
    // Callers of `written` get the error; this avoids an unhandled rejection.
    this.#last.catch(() => {});
    return this.#batch;
  }

  async #write(): Promise<void> {
    const batch = this.#batch;
    for (const [key, value] of this.#values) batch?.put(key, seal(key, String(value)));
    batch?.put(keys.headKey, seal(keys.headKey, this.#seal.head()));
    const newest = this.#seal.newest();
    this.#values = new Map();
    this.#batch = undefined;
    this.#size = 0;
    try {
      await batch?.write({ sync: this.#sync });
      this.#seal.written(newest);
    } catch (error) {
      this.#failure = new HistoryError(
        this.#db.location,
        `cannot be written (${error}); free space on the disk: the server tries again`,
        error,
      );
      throw this.#failure;
    }
  }
}
