import { firstAbove } from '../../lib/binary-search.ts';
import type { StoredEvent } from '../../ports/history-store.ts';

/** Up to this many holes, the arrays are not compacted. */
const MAX_HOLES = 64;

/** Events in order of id: added at the end, found by id, removed at any position. */
export class EventLog {
  // Parallel to the events: a removed event leaves a hole, whose id stays for the search.
  #ids: number[] = [];
  #events: (StoredEvent | undefined)[] = [];
  // Position of the oldest event: all before it are removed.
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The oldest event. */
  get first(): StoredEvent | undefined {
    return this.#events[this.#head];
  }

  /** Position of the next event. */
  get end(): number {
    return this.#events.length;
  }

  /** Adds an event whose id is above all others. */
  push(event: StoredEvent): void {
    this.#ids.push(event.id);
    this.#events.push(event);
    this.#size += 1;
  }

  /** Removes the event with this id, if it is there. */
  remove(id: number): void {
    const at = this.first?.id === id ? this.#head : this.seek(id - 1);
    if (this.#ids[at] !== id) return;
    this.#events[at] = undefined;
    this.#size -= 1;
    this.#head = this.#skip(this.#head);
    if (this.end - this.#size > this.#size + MAX_HOLES) this.#compact();
  }

  /** Position of the first event with an id above this one; `end` if there is none. */
  seek(after: number): number {
    return this.#skip(firstAbove(after, this.#ids, this.#head));
  }

  /** Position of the last event with an id below this one; -1 if there is none. */
  seekBack(before: number): number {
    let at = firstAbove(before - 1, this.#ids, this.#head) - 1;
    while (at >= 0 && this.#events[at] === undefined) at -= 1;
    return at;
  }

  /** The event at a position; undefined for a hole. */
  at(position: number): StoredEvent | undefined {
    return this.#events[position];
  }

  #skip(holesFrom: number): number {
    let at = holesFrom;
    while (at < this.end && this.#events[at] === undefined) at += 1;
    return at;
  }

  #compact(): void {
    const left = this.#events.filter((event) => event !== undefined);
    this.#events = left;
    this.#ids = left.map(({ id }) => id);
    this.#head = 0;
  }
}
