import type { Unread } from './scripts/beat.ts';

/** How far the reader of a mailbox is behind: what each beat found unread, less what was read since. */
export class Lag {
  #unread: Unread = { written: 0, oldest: undefined };
  // The time of Redis at the last beat, and that of this node.
  #redisNow = 0;
  #now = 0;

  /** `now`: the time of Redis, `at`: that of this node. Milliseconds. */
  beaten(unread: Unread, now: number, at: number): void {
    this.#unread = unread;
    this.#redisNow = now;
    this.#now = at;
  }

  /** Entries that were not read, and the age of the oldest. `place`: the last entry that was read. */
  behind(
    place: { readonly id: string; readonly number: number },
    at: number,
  ): { readonly entries: number; readonly ms: number } {
    const { written, oldest } = this.#unread;
    const entries = Math.max(0, written - place.number);
    if (entries === 0 || oldest === undefined) return { entries, ms: 0 };
    // Ids of entries begin with the time of Redis. What comes after the last one read is not older.
    const since = Math.max(timeIn(oldest), timeIn(place.id));
    return { entries, ms: Math.max(0, Math.round(this.#redisNow - since + at - this.#now)) };
  }
}

function timeIn(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}
