/**
 * Finds about the item that was touched longest ago. A touch only raises `newest` and costs nothing more. `first` moves
 * items that were touched since it last saw them behind all others.
 */
export class LongestUntouched<T extends { readonly newest: number }> {
  // Each item with its `newest` at that time.
  readonly #seen = new Map<T, number>();

  add(item: T): void {
    this.#seen.set(item, item.newest);
  }

  delete(item: T): void {
    this.#seen.delete(item);
  }

  get first(): T | undefined {
    for (const [item, newest] of this.#seen) {
      if (item.newest === newest) return item;
      this.#seen.delete(item);
      this.#seen.set(item, item.newest);
    }
    return undefined;
  }
}
