import { overLimit } from '../protocol/over-limit.ts';
import type { Refusals } from './refusals.ts';

/** One piece may take this part of the room that is free: large ones are refused first, and small ones still find room. */
const SHARE = 1 / 4;

/**
 * Bounds the memory of what clients have sent and the server has not finished with, over all of them: bodies and messages that have
 * not come whole, messages that wait, or whose policy, extension or engine has not answered yet, and large connects that are held.
 */
export class Intake {
  readonly #limit: number;
  readonly #refusals: Refusals;
  /** Memory in use. Bytes. */
  used = 0;

  /** `limit` is the option `maxIncomingBytes`. */
  constructor(limit: number, refusals: Refusals) {
    this.#limit = limit;
    this.#refusals = refusals;
  }

  /** Whether there is room for so much more. Logs it when there is not. Bytes. */
  hasRoomFor(bytes: number, address: string): boolean {
    if (bytes <= (this.#limit - this.used) * SHARE) return true;
    this.#refusals.note('request.refused', {
      option: 'maxIncomingBytes',
      limit: this.#limit,
      address,
      why: this.full,
    });
    return false;
  }

  /** Says in words that there is no room. */
  get full(): string {
    return overLimit('maxIncomingBytes', this.#limit);
  }

  /** Counts what was let in; negative numbers give it back. Bytes. */
  add(bytes: number): void {
    this.used += bytes;
  }
}
