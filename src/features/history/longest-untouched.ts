/**
 * Finds what was not touched for the longest time, about, at no cost for a touch: what was touched since it was last looked at goes
 * behind all others and is looked at again when its turn comes.
 */
export class LongestUntouched<T extends { readonly newest: number }> {
  // With the newest id that it had then.
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
