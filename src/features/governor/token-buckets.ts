import type { Clock } from '../../lib/clock.ts';

interface Bucket {
  /** Below 0 after one use that counted for more than were left. */
  tokens: number;
  at: number;
}

const SWEEP_FROM = 1024;

/** Sums of fractions are a little off. */
const ROUNDING = 1e-6;

/**
 * Limits uses by key: `rate` a second on average, and `capacity` at once. Answers at once, since a promise costs more than the rest
 * of a small publish.
 */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #capacity: number;
  readonly #buckets = new Map<unknown, Bucket>();
  #sweepAt = SWEEP_FROM;

  constructor(clock: Clock, rate: number, capacity = rate) {
    this.#clock = clock;
    this.#perMs = rate / 1000;
    this.#capacity = Math.max(1, capacity);
  }

  /** Takes `count` tokens of `key` and returns 0, or takes none and returns when there will be enough. Milliseconds. */
  take(key: unknown, count = 1): number {
    const bucket = this.#bucketOf(key);
    const wait = this.#waitFor(bucket, count);
    if (wait === 0) bucket.tokens -= count;
    return wait;
  }

  /** When `take` will succeed. Milliseconds. */
  waitFor(key: unknown): number {
    return this.#waitFor(this.#bucketOf(key), 1);
  }

  /** Takes `count` tokens of `key` in any case, and returns when the debt that this leaves will be paid. Milliseconds. */
  charge(key: unknown, count: number): number {
    const bucket = this.#bucketOf(key);
    bucket.tokens -= count;
    return bucket.tokens >= 0 ? 0 : Math.ceil(-bucket.tokens / this.#perMs);
  }

  /** Gives back what was charged. */
  refund(key: unknown, count: number): void {
    this.#bucketOf(key).tokens += count;
  }

  #waitFor({ tokens }: Bucket, count: number): number {
    // More than the bucket can ever have leaves a debt.
    const missing = Math.min(count, this.#capacity) - tokens;
    return missing > ROUNDING ? Math.ceil(missing / this.#perMs) : 0;
  }

  #bucketOf(key: unknown): Bucket {
    const now = this.#clock.now();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(now);
      bucket = { tokens: this.#capacity, at: now };
      this.#buckets.set(key, bucket);
    } else {
      bucket.tokens = this.#tokensOf(bucket, now);
      bucket.at = now;
    }
    return bucket;
  }

  #tokensOf({ tokens, at }: Bucket, now: number): number {
    return Math.min(this.#capacity, tokens + (now - at) * this.#perMs);
  }

  // A full bucket is as good as none. The next sweep runs when the map has doubled, so that the cost for each bucket stays small.
  #sweep(now: number): void {
    for (const [key, bucket] of this.#buckets)
      if (this.#tokensOf(bucket, now) >= this.#capacity) this.#buckets.delete(key);
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#buckets.size);
  }
}
