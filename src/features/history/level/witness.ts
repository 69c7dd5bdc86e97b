import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seal, unseal } from './sealed.ts';

const NAME = 'NEWEST';
const DIGITS = 16;

/**
 * A file beside the database with the highest id that was written there. A database whose end is damaged opens as an older one: by this
 * file it is told apart. It is written behind each group, so that it never is ahead of what was stored.
 */
export class Witness {
  readonly #file: number;

  constructor(path: string) {
    // Written in place: neither is it cut, nor does it grow.
    this.#file = openSync(join(path, NAME), constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** The id that the folder's file says; undefined where there is none, or it is damaged. */
  static read(path: string): number | undefined {
    try {
      const id = unseal(NAME, readFileSync(join(path, NAME), 'utf8'));
      return id === undefined ? undefined : Number(id);
    } catch {
      return undefined; // Not there, or not to be read: nothing vouches for the end then.
    }
  }

  write(id: number): void {
    writeSync(this.#file, seal(NAME, String(id).padStart(DIGITS, '0')), 0);
  }

  /** Brings it to the disk. */
  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
