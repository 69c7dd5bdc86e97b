import type { ChainedBatch, ClassicLevel } from 'classic-level';
import { HistoryError } from './history-error.ts';

/**
 * Writes to the database in groups: whatever comes while one is being written makes up the next, is written at once or not at
 * all, and waits for the disk together. After one could not be written, none is: everything throws `HistoryError`, or rejects.
 */
export class GroupWriter {
  readonly #db: ClassicLevel;
  readonly #sync: boolean;
  #batch: ChainedBatch<ClassicLevel, string, string> | undefined;
  // What changes often is written once in a group, as it is then.
  #values = new Map<string, number>();
  #size = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: HistoryError | undefined;

  /** With `sync`, what is written is on the disk. */
  constructor(db: ClassicLevel, sync: boolean) {
    this.#db = db;
    this.#sync = sync;
  }

  /** How much is in the group that is being made up. */
  get size(): number {
    return this.#size;
  }

  put(key: string, value: string): void {
    this.#join().put(key, value);
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
    for (const [key, value] of this.#values) batch?.put(key, String(value));
    this.#values = new Map();
    this.#batch = undefined;
    this.#size = 0;
    try {
      await batch?.write({ sync: this.#sync });
    } catch (error) {
      this.#failure = new HistoryError(
        this.#db.location,
        `cannot be written (${error}); free the disk and start again`,
        error,
      );
      throw this.#failure;
    }
  }
}
