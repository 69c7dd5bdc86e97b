/** Upper bounds of the buckets, each twice the one before. Milliseconds. */
const bounds = Array.from({ length: 18 }, (_, at) => 0.125 * 2 ** at);

/** Tenths of a millisecond up to a minute: what a percentile is read from. */
const FINEST = 0.1;
const MOST = 600_000;

/** How long deliveries took. Takes the same memory however many they are. */
export class Latencies {
  readonly #counts = new Uint32Array(MOST);
  #total = 0;
  #longest = 0;

  get total(): number {
    return this.#total;
  }

  get longest(): number {
    return this.#longest;
  }

  add(ms: number): void {
    const at = Math.min(Math.max(Math.floor(ms / FINEST), 0), MOST - 1);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total += 1;
    this.#longest = Math.max(this.#longest, ms);
  }

  /** The time within which this part of all took place. Milliseconds; to a tenth, rounded up. */
  percentile(part: number): number {
    let left = Math.ceil(this.#total * part);
    for (const [at, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.min((at + 1) * FINEST, this.#longest);
    }
    return this.#longest;
  }

  /** Lines of a histogram, of this many columns: one for each bucket between the first and the last that has any. */
  histogram(width: number): string[] {
    const parts = bounds.map(
      (bound, at) => this.#within(bounds[at - 1] ?? 0, bound) / Math.max(this.#total, 1),
    );
    const first = parts.findIndex((part) => part > 0);
    const last = parts.findLastIndex((part) => part > 0);
    const most = Math.max(...parts);
    return bounds.slice(first, last + 1).map((bound, at) => {
      const part = parts[first + at] ?? 0;
      const percent = `${(part * 100).toFixed(1)} %`.padStart(7);
      const bar = '#'.repeat(Math.round((part / most) * (width - 24)));
      return `  < ${shownMs(bound).padStart(9)} ${percent}  ${bar}`.trimEnd();
    });
  }

  #within(from: number, to: number): number {
    return this.#counts
      .subarray(Math.ceil(from / FINEST), Math.ceil(to / FINEST))
      .reduce((sum, one) => sum + one, 0);
  }
}

/** A time as people read it. */
export function shownMs(ms: number): string {
  return ms >= 1_000 ? `${(ms / 1_000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}
