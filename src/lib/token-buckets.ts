import type { Clock } from './clock.ts';
import { SweptMap } from './swept-map.ts';

interface Bucket {
  /** Below 0 after one use that counted for more than were left. */
  tokens: number;
  at: number;
}

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
  // A full bucket is as good as none.
  readonly #buckets = new SweptMap<unknown, Bucket>(
    (bucket, now) => this.#tokensOf(bucket, now) >= this.#capacity,
  );

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
      bucket = { tokens: this.#capacity, at: now };
      this.#buckets.set(key, bucket, now);
    } else {
      bucket.tokens = this.#tokensOf(bucket, now);
      bucket.at = now;
    }
    return bucket;
  }

  #tokensOf({ tokens, at }: Bucket, now: number): number {
    return Math.min(this.#capacity, tokens + (now - at) * this.#perMs);
  }
}
