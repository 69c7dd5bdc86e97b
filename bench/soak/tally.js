/**
 * What one reader was told of a channel whose events are numbered: each event is the next one, or says how many are missing in
 * front of it; and a connect reply may say so at the end.
 */
export class Tally {
  delivered = 0;
  /** Events it was told that it does not get. */
  announced = 0;
  /** Times it was told. */
  gaps = 0;
  /** Events that were not the next one by what was told. */
  misplaced = 0;
  #first;
  #expected;

  /** @param {number} first The number of the first event it should hear of. */
  constructor(first) {
    this.#first = first;
    this.#expected = first;
  }

  /** Events it knows of, delivered or announced. */
  get heardOf() {
    return this.delivered + this.announced;
  }

  /** Events that were published to it. @param {number} next The number that comes after the last one. */
  published(next) {
    return next - this.#first;
  }

  /** @param {number} number @param {{ count: number } | undefined} gap What the event says of those before it. */
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
