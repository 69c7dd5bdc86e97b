/**
 * Counts the events that one reader received from a channel with numbered events, and those announced as
 * dropped. An event announces how many are missing before it; a connect reply may announce those missing at
 * the end.
 */
export class Tally {
  delivered = 0;
  /** Dropped events that the server announced. */
  announced = 0;
  /** Announcements of dropped events. */
  gaps = 0;
  /** Events whose number did not match the announcements before them. */
  misplaced = 0;
  #first;
  #expected;

  /** @param {number} first The number of the first event it should receive. */
  constructor(first) {
    this.#first = first;
    this.#expected = first;
  }

  /** Events delivered or announced. */
  get heardOf() {
    return this.delivered + this.announced;
  }

  /** Events published so far. @param {number} next The number of the next publish. */
  published(next) {
    return next - this.#first;
  }

  /** @param {number} number @param {{ count: number } | undefined} gap The event's announcement. */
  event(number, gap) {
    this.gap(gap);
    if (number !== this.#expected) this.misplaced++;
    this.delivered++;
    this.#expected = number + 1;
  }

  /** @param {{ count: number } | undefined} gap */
  gap(gap) {
    if (gap === undefined) return;
    this.gaps++;
    this.announced += gap.count;
    this.#expected += gap.count;
  }
}
