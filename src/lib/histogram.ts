/** Counts values by size. Plain integers, so that adding one costs next to nothing. */
export class Histogram {
  /** Upper bounds of the buckets, ascending. Values above the last one are in a bucket of their own. */
  readonly bounds: readonly number[];
  /** Values in each bucket: one more than there are bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const found = this.bounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.bounds.length : found;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
  }
}
