interface Seen {
  readonly number: number;
  readonly at: number;
}

/** The last number seen of each origin, by which what comes again is known. */
export class LastNumbers {
  readonly #last = new Map<string, Seen>();

  /** Origins that are known. */
  get size(): number {
    return this.#last.size;
  }

  /** Notes a number. False if it was seen before, or is lower than one that was. `now`: milliseconds. */
  isNew(origin: string, number: number, now: number): boolean {
    if (number <= (this.#last.get(origin)?.number ?? 0)) return false;
    this.#last.set(origin, { number, at: now });
    return true;
  }

  /** Forgets the origins of which nothing new came since then. */
  forgetBefore(time: number): void {
    for (const [origin, { at }] of this.#last) if (at < time) this.#last.delete(origin);
  }
}
