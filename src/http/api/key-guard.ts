import type { Request, RequestHandler } from 'express';
import { countingKey } from '../../lib/address.ts';
import { addressOf } from '../../transports/request-info.ts';
import { ApiError } from './problem.ts';
import type { ApiRight, KeyRing, KnownKey } from './key-ring.ts';
import type { Server } from '../options.ts';

/** Wrong keys that one address may send in a minute. Then it has to wait until the minute is over. */
const WRONG_KEYS = 20;
const MINUTE = 60_000;
const ENOUGH_BITS = 128;

/** Finds the key of each request, and refuses calls that the key does not allow. */
export class KeyGuard {
  readonly #server: Server;
  readonly #ring: () => KeyRing;
  readonly #wrong = new WrongKeys();
  readonly #keys = new WeakMap<Request, KnownKey>();

  /** `ring` returns the current keys. */
  constructor(server: Server, ring: () => KeyRing) {
    this.#server = server;
    this.#ring = ring;
  }

  /**
   * Lets requests with a right key pass. A wrong key is logged and counted. An address that sent too many is
   * refused for a while, even with the right key: else it could go on guessing.
   */
  readonly pass: RequestHandler = (req, res, next) => {
    const server = this.#server;
    const ring = this.#ring();
    if (ring.size === 0) throw refused(server, 'api.refused', 403, closed);
    const address = countingKey(addressOf(req, server.options.trustProxy));
    const wait = this.#wrong.wait(address, server.clock.now());
    if (wait > 0) {
      res.set('Retry-After', String(Math.ceil(wait / 1000)));
      throw new ApiError(429, blocked, { quiet: true });
    }
    const sent = keyOf(req);
    const key = ring.find(sent);
    if (key !== undefined) {
      this.#keys.set(req, key);
      return next();
    }
    if (sent !== '') noteWrong(server, this.#wrong, address);
    res.set('WWW-Authenticate', 'Bearer');
    throw refused(server, sent === '' ? 'api.key_missing' : 'api.key_wrong', 401, notThis, address);
  };

  /** Refuses a request whose key does not have this right. */
  needs(right: ApiRight): RequestHandler {
    return (req, _res, next) => {
      this.check(req, right);
      next();
    };
  }

  /** Returns the name of the key. Throws `ApiError` 403 if the key does not have this right, or not for this channel. */
  check(req: Request, right: ApiRight, channel?: string): string {
    const key = this.#keys.get(req);
    const why = key === undefined ? closed : key.refusalOf(right, channel);
    if (key !== undefined && why === undefined) return key.name;
    const details = { option: 'apiKeys', cause: `${right} ${key?.name}`, key: key?.name, status: 403 };
    this.#server.refusals.note('api.denied', { ...details, why: why ?? closed });
    throw new ApiError(403, why ?? closed, { quiet: true });
  }
}

const closed =
  'the API is closed: no API key is configured (--api-key, --api-keys-file, or api(server, { key }))';
const blocked = 'too many wrong API keys came from this address: wait, and check the key';
const notThis = 'the API key is missing or wrong: send it as "Authorization: Bearer KEY" or "X-API-Key: KEY"';

function refused(
  { refusals }: Server,
  event: string,
  status: number,
  why: string,
  address?: string,
): ApiError {
  const details = { option: 'apiKey', cause: status, why, ...(address !== undefined && { address }) };
  refusals.note(event, details);
  return new ApiError(status, why, { quiet: true });
}

/** Warns of a key that may be guessed. */
export function warnOfWeakKey(name: string, key: string, { log }: Pick<Server, 'log'>): void {
  const bits = Math.floor(estimatedBits(key));
  if (bits >= ENOUGH_BITS) return;
  const why = `the API key may be guessed: its randomness is at most ${bits} bits; make one with: bayeuxd key`;
  log({ level: 'warn', event: 'api.key_weak', key: name, bits, why });
}

/**
 * Upper bound of the randomness of a key in bits, from its length and the alphabet it seems to use. The real
 * value may be far lower, since a sentence cannot be told from a random key.
 */
export function estimatedBits(key: string): number {
  const bare = key.replaceAll('-', '');
  const distinct = new Set(bare).size;
  const alphabet = /^[\da-f]*$/i.test(bare) ? 16 : sizeOf(key);
  // A random key of this length has at least 8 different characters.
  return (alphabet === 16 ? bare : key).length * Math.log2(distinct < 8 ? Math.max(1, distinct) : alphabet);
}

function sizeOf(key: string): number {
  const classes: readonly [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[^a-zA-Z\d]/, 33],
  ];
  return classes.reduce((sum, [pattern, size]) => sum + (pattern.test(key) ? size : 0), 0);
}

function noteWrong(server: Server, wrong: WrongKeys, address: string): void {
  const now = server.clock.now();
  const count = wrong.add(address, now);
  if (count === WRONG_KEYS)
    server.refusals.note('api.key_blocked', { address, wait: wrong.wait(address, now), why: blocked });
}

interface Count {
  readonly since: number;
  count: number;
}

/** How many wrong keys each address showed within its minute. Exported for its spec. */
export class WrongKeys {
  readonly #most: number;
  /** By address, the oldest minute first. */
  readonly #counts = new Map<string, Count>();

  /** `most` limits the addresses that are remembered: 10,000 take 3.3 MB. */
  constructor(most = 10_000) {
    this.#most = most;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Milliseconds until an address may try again; 0 when it may now. */
  wait(address: string, now: number): number {
    const known = this.#counts.get(address);
    if (known === undefined || known.count < WRONG_KEYS) return 0;
    return Math.max(0, known.since + MINUTE - now);
  }

  /** Counts a wrong key, and returns how many there are now. */
  add(address: string, now: number): number {
    for (const [other, { since }] of this.#counts) {
      if (since + MINUTE > now && (this.#counts.size < this.#most || this.#counts.has(address))) break;
      this.#counts.delete(other);
    }
    const known = this.#counts.get(address) ?? { since: now, count: 0 };
    known.count += 1;
    this.#counts.set(address, known);
    return known.count;
  }
}

function keyOf(req: Request): string {
  const bearer = /^Bearer +(\S+) *$/i.exec(req.get('authorization') ?? '');
  return bearer?.[1] ?? req.get('x-api-key') ?? '';
}
