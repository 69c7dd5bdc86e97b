import type { Clock, Timer } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { isObject } from '../../protocol/message.ts';
import { fitting, type Key, keyOfJwk, type Wanted } from './key.ts';
import { KeysUnavailable } from './refusal.ts';

/** Limits of a set of keys. Bytes, and keys. */
const MAX_BYTES = 262_144;
const MAX_KEYS = 100;
/** Timeout of a fetch. Milliseconds. */
const TIMEOUT = 5_000;
/** Least time between two fetches for an unknown `kid`. Milliseconds. */
const COOLDOWN = 30_000;
/** Least time between a failed fetch and the next. Milliseconds. */
const RETRY = 5_000;

/** The address of the keys, and how long they are used. Milliseconds. */
export interface RemoteOptions {
  readonly url: string;
  readonly maxAge: number;
  readonly maxStale: number;
}

export interface RemoteParts {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The keys of an identity provider (JWKS). They are fetched for the first token, when they are older than `maxAge`, and
 * for a token with an unknown `kid`. The last happens at most once per `COOLDOWN`, so that a flood of invented ids
 * causes no fetches.
 */
export class RemoteKeys {
  readonly #options: RemoteOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #keys: readonly Key[] | undefined;
  #fetchedAt = 0;
  #triedAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #fetching: Promise<void> | undefined;

  constructor(options: RemoteOptions, { clock, log }: RemoteParts) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /** The key, if exactly one fits. Rejects with `KeysUnavailable` if all keys are too old. */
  async find(wanted: Wanted): Promise<Key | undefined> {
    if (this.#age > this.#options.maxAge) await this.#refresh(RETRY);
    const known = fitting(this.#usable(), wanted);
    if (known !== undefined || wanted.kid === undefined) return known;
    await this.#refresh(COOLDOWN);
    return fitting(this.#usable(), wanted);
  }

  /** The next token fetches the keys again. Until that succeeds, the old keys are used for another `maxStale`. */
  expire(): void {
    this.#fetchedAt = Math.min(this.#fetchedAt, this.#clock.now() - this.#options.maxAge - 1);
  }

  get #age(): number {
    return this.#keys === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - this.#fetchedAt;
  }

  #usable(): readonly Key[] {
    const { maxAge, maxStale } = this.#options;
    if (this.#keys === undefined || this.#age > maxAge + maxStale)
      throw new KeysUnavailable('the keys of auth.jwks.url cannot be fetched');
    return this.#keys;
  }

  // Concurrent callers share one fetch.
  #refresh(pause: number): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    const least = this.#hasFailed ? RETRY : pause;
    if (this.#clock.now() - this.#triedAt < least) return Promise.resolve();
    this.#triedAt = this.#clock.now();
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const abort = new AbortController();
    const timer: Timer = this.#clock.after(TIMEOUT, () =>
      abort.abort(new Error(`no answer within ${TIMEOUT} milliseconds`)),
    );
    try {
      this.#keys = await keysAt(this.#options.url, abort.signal);
      this.#fetchedAt = this.#clock.now();
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      const { url } = this.#options;
      this.#log({ level: 'warn', event: 'auth.keys_failed', url, isStale: this.#keys !== undefined, error });
    } finally {
      timer.cancel();
    }
  }
}

async function keysAt(url: string, signal: AbortSignal): Promise<readonly Key[]> {
  // A redirect could lead to an address without https.
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the answer has status ${response.status}`);
  }
  const set: unknown = JSON.parse(await textOf(response));
  if (!isObject(set) || !Array.isArray(set.keys)) throw new Error('the answer is no set of keys');
  if (set.keys.length > MAX_KEYS) throw new Error(`the answer has more than ${MAX_KEYS} keys`);
  return set.keys.flatMap(usableKey);
}

// RFC 7517, 5: ignore keys of unknown types.
function usableKey(jwk: unknown): Key[] {
  try {
    return isObject(jwk) ? [keyOfJwk(jwk)] : [];
  } catch {
    return [];
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
