/** The median; for an even number of values, the mean of the two middle ones. @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const SHIFT = 6;
const PER_POWER = 1 << SHIFT;

/** Counts whole microseconds in 64 buckets per power of two, so that the error of a quantile is below 1.6 %. */
export class Histogram {
  #buckets = new Float64Array(PER_POWER * 27);
  #count = 0;

  /** @param {number} value Microseconds. */
  add(value) {
    const us = value < 0 ? 0 : value > 0x7fffffff ? 0x7fffffff : value | 0;
    const power = us < PER_POWER ? 0 : 32 - Math.clz32(us) - SHIFT;
    // From the second power on the leading bit is known, so each power needs only half as many buckets.
    const index = power === 0 ? us : (power << SHIFT) + (us >> (power - 1)) - PER_POWER;
    this.#buckets[index]++;
    this.#count++;
  }

  /** @param {Histogram} other */
  addAll(other) {
    for (let index = 0; index < this.#buckets.length; index++) this.#buckets[index] += other.#buckets[index];
    this.#count += other.#count;
  }

  /** The value below which this share of all values is. NaN without values. @param {number} share */
  quantile(share) {
    if (this.#count === 0) return Number.NaN;
    const wanted = Math.min(Math.floor(share * this.#count), this.#count - 1);
    let seen = 0;
    for (let index = 0; index < this.#buckets.length; index++) {
      seen += this.#buckets[index];
      if (seen > wanted) return middleOf(index);
    }
    return Number.NaN;
  }
}

/** @param {number} index */
function middleOf(index) {
  const power = index >> SHIFT;
  if (power === 0) return index;
  return (PER_POWER + (index & (PER_POWER - 1))) * 2 ** (power - 1);
}
