import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seal, unseal } from './sealed.ts';

const NAME = 'NEWEST';
const DIGITS = 16;

/**
 * A file beside the database with the highest id that was written there. A database whose end is damaged opens as an older one;
 * this file shows that. The file is written after each group, so that it is never newer than the database.
 */
export class Witness {
  readonly #file: number;

  constructor(path: string) {
    // Overwritten in place: the file is not truncated, and does not grow.
    this.#file = openSync(join(path, NAME), constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** The id in the file of the folder; undefined when it is absent or damaged. */
  static read(path: string): number | undefined {
    try {
      const id = unseal(NAME, readFileSync(join(path, NAME), 'utf8'));
      return id === undefined ? undefined : Number(id);
    } catch {
      return undefined; // Absent or unreadable: the end of the database is not proven to be complete.
    }
  }

  write(id: number): void {
    writeSync(this.#file, seal(NAME, String(id).padStart(DIGITS, '0')), 0);
  }

  /** Flushes the file to the disk. */
  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
