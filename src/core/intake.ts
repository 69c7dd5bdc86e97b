import { overLimit } from '../protocol/over-limit.ts';
import type { Refusals } from './refusals.ts';

/** Share of the free memory that one request may take: large ones are refused first, and small ones still find room. */
const SHARE = 1 / 4;

/**
 * Bounds the memory of unfinished input from all clients: bodies and messages that came in part, messages
 * that wait for earlier ones or for a policy, extension or engine, and large connects that are held.
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

  /** Whether there is room for so many bytes more. Logs it if there is not. */
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
