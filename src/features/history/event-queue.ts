import type { StoredEvent } from '../../ports/history-store.ts';

/** Up to this many empty places before the first event, the array is not compacted. */
const MAX_GONE = 64;

/** The events of one channel by id: added at the end, removed at the beginning. */
export class EventQueue {
  #events: (StoredEvent | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#events.length - this.#head;
  }

  get first(): StoredEvent | undefined {
    return this.#events[this.#head];
  }

  /** Adds an event whose id is above all others. */
  push(event: StoredEvent): void {
    // An array literal has no spare capacity, and most channels have few events.
    if (this.#events.length === 0) this.#events = [event];
    else this.#events.push(event);
  }

  shift(): void {
    this.#events[this.#head] = undefined;
    this.#head += 1;
    if (this.#head < this.#events.length && (this.#head <= MAX_GONE || this.#head * 2 < this.#events.length))
      return;
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }

  /** Position of the first event with an id above this one; the end if there is none. */
  seek(after: number): number {
    let [low, high] = [this.#head, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.id ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The event at a position; undefined at the end. */
  at(position: number): StoredEvent | undefined {
    return this.#events[position];
  }

  /** Up to `limit` events above this id. */
  above(after: number, limit: number): StoredEvent[] {
    const from = this.seek(after);
    return this.#events.slice(from, from + limit).filter((event) => event !== undefined);
  }

  /** Up to `limit` events with the highest ids below this one, in order of id. */
  below(before: number, limit: number): StoredEvent[] {
    const end = this.seek(before - 1);
    return this.#events.slice(Math.max(this.#head, end - limit), end).filter((event) => event !== undefined);
  }
}
