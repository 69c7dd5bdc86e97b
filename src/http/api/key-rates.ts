import { SharedRate, type SharedRateParts } from '../../core/shared-rate.ts';
import type { Clock } from '../../lib/clock.ts';
import { TokenBuckets } from '../../lib/token-buckets.ts';
import type { Caller } from './caller.ts';
import { Problem } from './problem.ts';

/**
 * Limits the requests of each key with a `rate`, on all nodes together. New keys do not start the count anew. A key that has been quiet
 * for a second takes no memory.
 */
export class KeyRates {
  // A token is a second, and a request takes the part of it that its key has for one: so the keys share the buckets.
  readonly #seconds: TokenBuckets;
  readonly #shared: SharedRate;

  constructor({ clock, refusals, shared }: Omit<SharedRateParts, 'name'> & { readonly clock: Clock }) {
    this.#seconds = new TokenBuckets(clock, 1);
    this.#shared = new SharedRate({ name: 'requests', refusals, shared });
  }

  /** Counts a request. Rejects with `Problem` for one too many. */
  async use({ kind, name, rate }: Caller): Promise<void> {
    if (rate === undefined) return;
    const wait = await this.#shared.take(this.#seconds.take(name, 1 / rate), name, rate);
    if (wait === 0) return;
    throw new Problem(
      'too_many_requests',
      `the ${kind} "${name}" may send ${rate} requests a second: send fewer, or raise its rate`,
      { headers: { 'Retry-After': String(Math.ceil(wait / 1000)) } },
    );
  }
}
