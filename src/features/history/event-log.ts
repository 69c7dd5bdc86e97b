import { firstAbove } from '../../lib/binary-search.ts';
import type { StoredEvent } from '../../ports/history-store.ts';

/** Holes that are left in peace. */
const MAX_HOLES = 64;

/** Events in the order of their ids: added at the end, found by id, removed wherever they are. */
export class EventLog {
  // The ids stand beside the events: a removed one leaves a hole that still has its place.
  #ids: number[] = [];
  #events: (StoredEvent | undefined)[] = [];
  // Nothing before it is there any more, and at it is the oldest.
  #head = 0;
  #size = 0;

  /** Events that are there. */
  get size(): number {
    return this.#size;
  }

  /** The oldest. */
  get first(): StoredEvent | undefined {
    return this.#events[this.#head];
  }

  /** Where the next event will stand. */
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

  /** Where the first event with an id above this one stands; the end, if none does. */
  seek(after: number): number {
    return this.#skip(firstAbove(after, this.#ids, this.#head));
  }

  /** The event that stands there; undefined where one was removed. */
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
