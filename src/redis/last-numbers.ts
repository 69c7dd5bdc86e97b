/** The last number seen of each origin, by which what comes again is known. */
export class LastNumbers {
  readonly #last = new Map<string, number>();

  /** Notes a number. False if it was seen before, or is lower than one that was. */
  isNew(origin: string, number: number): boolean {
    if (number <= (this.#last.get(origin) ?? 0)) return false;
    this.#last.set(origin, number);
    return true;
  }

  /** Forgets a node that is gone. */
  forget(origin: string): void {
    this.#last.delete(origin);
  }
}
