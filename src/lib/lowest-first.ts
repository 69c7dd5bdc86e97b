/** An item of a `LowestFirst`. */
export interface Ranked {
  /** The sort key. After a change, `moved` has to be called. */
  readonly rank: number;
  /** Its index in the heap; only the heap sets it. */
  slot: number;
}

/** A binary heap whose items know their index, so that moving or removing an item needs no search. */
export class LowestFirst<T extends Ranked> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item of the lowest rank. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** All items, in no order. */
  get items(): readonly T[] {
    return this.#items;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  remove(item: T): void {
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    last.slot = item.slot;
    this.#items[item.slot] = last;
    this.moved(last);
  }

  /** Restores the order after the rank of an item has changed. */
  moved(item: T): void {
    const { slot } = item;
    const above = this.#items[(slot - 1) >> 1];
    if (slot > 0 && above !== undefined && above.rank > item.rank) this.#rise(item, slot);
    else this.#sink(item, slot);
  }

  #rise(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = this.#items[up];
      if (above === undefined || above.rank <= item.rank) break;
      this.#put(above, at);
      at = up;
    }
    this.#put(item, at);
  }

  #sink(item: T, from: number): void {
    let at = from;
    for (let child = this.#lowerChild(at); child !== undefined; child = this.#lowerChild(at)) {
      if (child.rank >= item.rank) break;
      const down = child.slot;
      this.#put(child, at);
      at = down;
    }
    this.#put(item, at);
  }

  #lowerChild(of: number): T | undefined {
    const [left, right] = [this.#items[2 * of + 1], this.#items[2 * of + 2]];
    return left !== undefined && right !== undefined && right.rank < left.rank ? right : left;
  }

  #put(item: T, at: number): void {
    this.#items[at] = item;
    item.slot = at;
  }
}
