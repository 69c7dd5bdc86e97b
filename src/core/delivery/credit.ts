/** How many events may leave until the client's next connect, which said so in `ext.flow`. */
export class Credit {
  readonly #granted: number;
  #left: number;

  private constructor(credit: number) {
    this.#granted = credit;
    this.#left = credit;
  }

  /** What a connect grants; undefined where it says nothing that counts: as many as there are. */
  static of(flow: unknown): Credit | undefined {
    const credit = typeof flow === 'object' && flow !== null && 'credit' in flow ? flow.credit : undefined;
    const isCount = typeof credit === 'number' && Number.isInteger(credit) && credit >= 0;
    return isCount ? new Credit(credit) : undefined;
  }

  /** How many may still leave. */
  get left(): number {
    return this.#left;
  }

  /** Whether some were granted, and all of them have left. */
  get isSpent(): boolean {
    return this.#left === 0 && this.#granted > 0;
  }

  /** So many leave. */
  spend(events: number): void {
    this.#left -= events;
  }
}
