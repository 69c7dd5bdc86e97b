import type { ChainedBatch, ClassicLevel } from 'classic-level';
import { HistoryError } from './history-error.ts';
import * as keys from './keys.ts';
import { seal } from './sealed.ts';

/** What is written with each group. */
export interface Seal {
  /** The highest id that was issued. */
  newest(): number;
  /** The head of the store as it is with this group. */
  head(): string;
  /** A group is written, with which ids up to this one were issued. */
  written(newest: number): void;
}

/**
 * Writes to the database in groups: whatever comes while one is being written makes up the next, is written at once or not at
 * all, and waits for the disk together. After one could not be written, none is, for the database may have half of it: everything
 * throws `HistoryError`, or rejects, until the database was opened again with another writer.
 */
export class GroupWriter {
  readonly #db: ClassicLevel;
  readonly #sync: boolean;
  readonly #seal: Seal;
  #batch: ChainedBatch<ClassicLevel, string, string> | undefined;
  // What changes often is written once in a group, as it is then.
  #values = new Map<string, number>();
  #size = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: HistoryError | undefined;

  /** With `sync`, what is written is on the disk. */
  constructor(db: ClassicLevel, sync: boolean, end: Seal) {
    this.#db = db;
    this.#sync = sync;
    this.#seal = end;
  }

  /** Why nothing is written any more. */
  get failure(): HistoryError | undefined {
    return this.#failure;
  }

  /** How much is in the group that is being made up. */
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

  /** Puts a value that another may replace within the group. */
  set(key: string, value: number): void {
    this.#join();
    this.#values.set(key, value);
  }

  /** Resolves when all that was put before is written. */
  written(): Promise<void> {
    return this.#last;
  }

  #join(): ChainedBatch<ClassicLevel, string, string> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#size += 1;
    if (this.#batch !== undefined) return this.#batch;
    this.#batch = this.#db.batch();
    this.#last = this.#last.then(() => this.#write());
    // Whoever asks is told.
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
        `cannot be written (${error}); free the disk: it is tried again`,
        error,
      );
      throw this.#failure;
    }
  }
}
