import { isDeepStrictEqual } from 'node:util';
import type { Request, RequestHandler } from 'express';
import { countingKey } from '../../lib/address.ts';
import { addressOf } from '../../transports/request-info.ts';
import type { Server } from '../options.ts';
import type { ApiServer } from './api-server.ts';
import type { Caller } from './caller.ts';
import { KeyRates } from './key-rates.ts';
import type { KeyRing } from './key-ring.ts';
import { Problem } from './problem.ts';
import { TokenCallers } from './token-callers.ts';

/** Wrong keys that one address may send in a minute. Then it has to wait until the minute is over. */
const WRONG_KEYS = 20;
const MINUTE = 60_000;
const ENOUGH_BITS = 128;

/** Finds the caller of each request by its key or token, and refuses a request that has none. */
export class KeyGuard {
  readonly #server: ApiServer;
  readonly #ring: () => KeyRing;
  readonly #tokens: TokenCallers;
  readonly #wrong = new WrongKeys();
  readonly #rates: KeyRates;
  readonly #callers = new WeakMap<Request, Caller>();

  /** `ring` returns the current keys. */
  constructor(server: ApiServer, ring: () => KeyRing) {
    this.#server = server;
    this.#ring = ring;
    this.#tokens = new TokenCallers(server);
    this.#rates = new KeyRates(server);
  }

  /**
   * Lets requests with a right key or token pass. A wrong key is logged and counted. An address that sent too many is refused for a
   * while, even with the right key: else it could go on guessing.
   */
  readonly pass: RequestHandler = async (req, _res, next) => {
    const caller = await this.#find(req);
    this.#callers.set(req, caller);
    await this.#rates.use(caller);
    next();
  };

  /**
   * Why a request that passed may not go on; undefined if it may. The server is closed, or, where `withKey` is set, the key or token
   * would be refused now or has other rights.
   */
  async recheck(req: Request, withKey: boolean): Promise<Problem | undefined> {
    if (this.#server.state === 'closed') return new Problem('closing', 'the server is closed');
    if (!withKey) return undefined;
    try {
      const [before, now] = [this.callerOf(req), await this.#find(req)];
      if (isDeepStrictEqual(grantOf(now), grantOf(before))) return undefined;
      return new Problem('right_missing', 'the rights of the key or token have changed: begin again');
    } catch (error) {
      return error instanceof Problem ? error : new Problem('failed', 'the key or token cannot be checked');
    }
  }

  /** The caller of a request that passed. */
  callerOf(req: Request): Caller {
    const caller = this.#callers.get(req);
    if (caller === undefined) throw new Error('the request did not pass the guard');
    return caller;
  }

  async #find(req: Request): Promise<Caller> {
    const server = this.#server;
    const ring = this.#ring();
    if (server.state === 'closed') throw new Problem('closing', 'the server is closed');
    if (ring.size === 0 && !server.verifiesTokens) throw refused(server, 'api.refused', 'api_closed', closed);
    const address = countingKey(addressOf(req, server.options.trustProxy));
    this.#refuseGuessing(address);
    const sent = keyOf(req);
    return ring.find(sent) ?? (await this.#byToken(sent, address));
  }

  async #byToken(sent: string, address: string): Promise<Caller> {
    const server = this.#server;
    if (sent === '') throw refused(server, 'api.key_missing', 'key_missing', notThis, address);
    try {
      if (isToken(sent) && server.verifiesTokens) return await this.#tokens.find(sent, address);
    } catch (error) {
      if (error instanceof Problem && error.code === 'token_invalid') this.#noteWrong(address);
      throw error;
    }
    this.#noteWrong(address);
    throw refused(server, 'api.key_wrong', 'key_wrong', notThis, address);
  }

  #refuseGuessing(address: string): void {
    const wait = this.#wrong.wait(address, this.#server.clock.now());
    if (wait === 0) return;
    const headers = { 'Retry-After': String(Math.ceil(wait / 1000)) };
    throw new Problem('too_many_wrong_keys', blocked, { quiet: true, headers });
  }

  #noteWrong(address: string): void {
    const now = this.#server.clock.now();
    const count = this.#wrong.add(address, now);
    if (count !== WRONG_KEYS) return;
    const wait = this.#wrong.wait(address, now);
    this.#server.refusals.note('api.key_blocked', { address, wait, why: blocked });
  }
}

const closed =
  'the API is closed: no API key is configured (--api-key, --api-keys-file, or api(server, { key }))';
const blocked = 'too many wrong API keys came from this address: wait, and check the key';
const notThis = 'the API key is missing or wrong: send it as "Authorization: Bearer KEY" or "X-API-Key: KEY"';

const grantOf = ({ id, rights, channels }: Caller) => ({ id, rights, channels });

function refused(
  { refusals }: ApiServer,
  event: string,
  code: 'api_closed' | 'key_missing' | 'key_wrong',
  why: string,
  address?: string,
): Problem {
  const details = { option: 'apiKey', cause: code, why, ...(address !== undefined && { address }) };
  refusals.note(event, details);
  return new Problem(code, why, { quiet: true, ...(code !== 'api_closed' && { headers: challenge }) });
}

const challenge = { 'WWW-Authenticate': 'Bearer' };

// The three parts of a signed token (RFC 7515, 7.1).
const isToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

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
