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
    let at = 0;
    while (value > (this.bounds[at] ?? Number.POSITIVE_INFINITY)) at += 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
  }
}
