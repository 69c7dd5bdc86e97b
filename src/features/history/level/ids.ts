import { firstAbove } from '../../../lib/binary-search.ts';

/** Up to this many unused places before the first id, the arrays are not compacted. */
const MAX_GONE = 64;

/** Ascending ids with the size of each event: added at the end, removed at the beginning. Sixteen bytes each. */
export class Ids {
  #ids: number[] = [];
  #sizes: number[] = [];
  #head = 0;

  get size(): number {
    return this.#ids.length - this.#head;
  }

  get first(): number | undefined {
    return this.#ids[this.#head];
  }

  get last(): number | undefined {
    return this.size === 0 ? undefined : this.#ids.at(-1);
  }

  /** Bytes of the first event. */
  get firstSize(): number {
    return this.#sizes[this.#head] ?? 0;
  }

  /** Adds an id above all others. `size`: bytes of its event. */
  push(id: number, size: number): void {
    this.#ids.push(id);
    this.#sizes.push(size);
  }

  shift(): void {
    if (this.size === 0) return;
    this.#head += 1;
    if (this.#head < this.#ids.length && (this.#head <= MAX_GONE || this.#head * 2 < this.#ids.length))
      return;
    this.#ids = this.#ids.slice(this.#head);
    this.#sizes = this.#sizes.slice(this.#head);
    this.#head = 0;
  }

  /** Removes an id, and returns the size of its event; undefined when there is no such id. */
  remove(id: number): number | undefined {
    const at = firstAbove(id - 1, this.#ids, this.#head);
    if (this.#ids[at] !== id) return undefined;
    this.#ids.splice(at, 1);
    return this.#sizes.splice(at, 1)[0];
  }

  /** Up to `limit` ids of a range: `after` exclusive, `through` inclusive. */
  between(after: number, through: number, limit: number): readonly number[] {
    const from = firstAbove(after, this.#ids, this.#head);
    const end = Math.min(from + limit, firstAbove(through, this.#ids, this.#head));
    return this.#ids.slice(from, end);
  }

  /** Up to `limit` ids, the highest below this one. */
  below(before: number, limit: number): readonly number[] {
    const end = firstAbove(before - 1, this.#ids, this.#head);
    return this.#ids.slice(Math.max(this.#head, end - limit), end);
  }
}
