import { countingKey } from '../../lib/address.ts';
import { SharedRate } from '../../core/shared-rate.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { spread } from '../../lib/spread.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { FeatureHost } from '../../ports/feature.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import { NoRoomError } from '../../protocol/errors.ts';
import { TokenBuckets } from '../../lib/token-buckets.ts';
import { overRate } from '../../protocol/over-limit.ts';

/**
 * A limiter of rate-limiter-flexible, such as one that counts in Redis for several nodes. `consume` rejects with an object that has
 * `msBeforeNext` when the key is over its rate, and with an `Error` when the store fails.
 */
export interface RateLimiter {
  consume(key: string): Promise<unknown>;
}

export function isRateLimiter(value: unknown): value is RateLimiter {
  return (
    typeof value === 'object' && value !== null && 'consume' in value && typeof value.consume === 'function'
  );
}

const OPTION = 'limits.handshakesPerAddress';

/** The least time after which a refused address may come again. Milliseconds. */
const PAUSE = 1_000;

type AddressRateParts = Pick<FeatureHost, 'refusals' | 'shared'> & {
  readonly clock: Clock;
  readonly log: Log;
};

/** Limits handshakes by address. */
export class AddressRate {
  readonly #limit: number | RateLimiter;
  readonly #buckets: TokenBuckets;
  readonly #shared: SharedRate;
  readonly #refusals: RefusalNotes;
  readonly #log: Log;

  /** `limit` is the option `limits.handshakesPerAddress`. */
  constructor(limit: number | RateLimiter, { clock, log, refusals, shared }: AddressRateParts) {
    this.#limit = limit;
    this.#buckets = new TokenBuckets(clock, typeof limit === 'number' ? limit : 0);
    this.#shared = new SharedRate({ name: 'handshakes', refusals, shared });
    this.#refusals = refusals;
    this.#log = log;
  }

  /** Counts a handshake. Throws, or rejects with, `NoRoomError` for one too many. */
  take({ address }: Conduit): MaybePromise<void> {
    // In-process, or by a socket of the file system.
    if (address === '') return;
    const key = countingKey(address);
    if (typeof this.#limit !== 'number') return this.#consume(this.#limit, key, address);
    return andThen(this.#shared.take(this.#buckets.take(key), key, this.#limit), (wait) => {
      if (wait > 0) throw this.#refusal(address, wait);
    });
  }

  // A store that fails lets all in: the limit of all handshakes remains.
  async #consume(limiter: RateLimiter, key: string, address: string): Promise<void> {
    try {
      await limiter.consume(key);
    } catch (error) {
      if (!(error instanceof Error)) throw this.#refusal(address, msBeforeNext(error));
      this.#log({ level: 'error', event: 'limits.failed', option: OPTION, error });
    }
  }

  #refusal(address: string, wait: number): NoRoomError {
    const limit = typeof this.#limit === 'number' ? { limit: this.#limit } : {};
    const why =
      'limit' in limit
        ? overRate(OPTION, limit.limit)
        : `"${OPTION}" has reached its limit; raise it to allow more`;
    this.#refusals.note('handshake.refused', { option: OPTION, ...limit, address, why });
    return new NoRoomError(why, spread(Math.max(PAUSE, wait)));
  }
}

function msBeforeNext(refusal: unknown): number {
  const known = typeof refusal === 'object' && refusal !== null && 'msBeforeNext' in refusal;
  return known && typeof refusal.msBeforeNext === 'number' ? refusal.msBeforeNext : 0;
}
