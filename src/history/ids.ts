import { firstAbove } from '../core/history/first-above.ts';

/** Places before the first that are left in peace. */
const MAX_GONE = 64;

/** Ascending ids: added at the end, removed at the beginning. Eight bytes each. */
export class Ids {
  #ids: number[] = [];
  #head = 0;

  get size(): number {
    return this.#ids.length - this.#head;
  }

  get first(): number | undefined {
    return this.#ids[this.#head];
  }

  /** Adds an id above all others. */
  push(id: number): void {
    this.#ids.push(id);
  }

  /** Removes the first. */
  shift(): number | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    this.#head += 1;
    if (this.#head > MAX_GONE && this.#head * 2 >= this.#ids.length) {
      this.#ids = this.#ids.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Up to `limit` of those above `after`, and not above `through`. */
  between(after: number, through: number, limit: number): readonly number[] {
    const from = firstAbove(after, this.#ids, this.#head);
    const end = Math.min(from + limit, firstAbove(through, this.#ids, this.#head));
    return this.#ids.slice(from, end);
  }
}
