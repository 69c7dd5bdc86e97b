/** Counts the connects held for each browser, so that many tabs do not use up its few connections (CK-4). */
export class Browsers {
  readonly #held = new Map<string, number>();

  /** Browsers with a connect held. */
  get size(): number {
    return this.#held.size;
  }

  /** Counts one more unless that would be over `limit`; a negative limit is none. */
  hold(browser: string, limit: number): boolean {
    const held = this.#held.get(browser) ?? 0;
    if (limit >= 0 && held >= limit) return false;
    this.#held.set(browser, held + 1);
    return true;
  }

  /** Counts one less. */
  free(browser: string): void {
    const held = this.#held.get(browser) ?? 0;
    if (held > 1) this.#held.set(browser, held - 1);
    else this.#held.delete(browser);
  }
}
