import { countingKey } from '../../lib/address.ts';
import type { Log } from '../../lib/log.ts';
import { spread } from '../../lib/spread.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { RefusalNotes } from '../../ports/feature.ts';
import { NoRoomError } from '../../protocol/errors.ts';

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

/** Limits handshakes by address. */
export class AddressRate {
  readonly #limit: number | RateLimiter;
  readonly #refusals: RefusalNotes;
  readonly #log: Log;
  #limiter: Promise<RateLimiter> | undefined;

  /** `limit` is the option `limits.handshakesPerAddress`. */
  constructor(limit: number | RateLimiter, refusals: RefusalNotes, log: Log) {
    this.#limit = limit;
    this.#refusals = refusals;
    this.#log = log;
  }

  /** Counts a handshake. Rejects with `NoRoomError` for one too many; a store that fails lets all in, and is logged. */
  take(conduit: Conduit): Promise<void> | undefined {
    const { address } = conduit;
    // In-process, or by a socket of the file system.
    if (address === '') return undefined;
    return this.#consume(countingKey(address)).catch((error: unknown) => {
      if (error instanceof Error)
        this.#log({ level: 'error', event: 'limits.failed', option: OPTION, error });
      else throw this.#refusal(address, msBeforeNext(error));
    });
  }

  async #consume(key: string): Promise<void> {
    this.#limiter ??= this.#load();
    await (await this.#limiter).consume(key);
  }

  // Loaded when the first client comes.
  async #load(): Promise<RateLimiter> {
    if (typeof this.#limit !== 'number') return this.#limit;
    const { RateLimiterMemory } = await import('rate-limiter-flexible');
    return new RateLimiterMemory({ points: this.#limit, duration: 1 });
  }

  #refusal(address: string, wait: number): NoRoomError {
    const limit = typeof this.#limit === 'number' ? this.#limit : undefined;
    const number = limit === undefined ? 'is reached' : `is ${limit} a second`;
    const why = `"${OPTION}" ${number}; raise it to allow more`;
    this.#refusals.note('handshake.refused', {
      option: OPTION,
      ...(limit !== undefined && { limit }),
      address,
      why,
    });
    return new NoRoomError(why, spread(Math.max(PAUSE, wait)));
  }
}

function msBeforeNext(refusal: unknown): number {
  const known = typeof refusal === 'object' && refusal !== null && 'msBeforeNext' in refusal;
  return known && typeof refusal.msBeforeNext === 'number' ? refusal.msBeforeNext : 0;
}
