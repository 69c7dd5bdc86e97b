import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { isAlgorithm } from './algorithms.ts';
import { fitting, type Key, type Wanted } from './key.ts';
import type { AuthOptions } from './options.ts';
import { TokenRefusal } from './refusal.ts';
import { RemoteKeys } from './remote-keys.ts';
import { staticKeys } from './static-keys.ts';

/** Longest accepted token, and longest `sub` and `jti`. Characters. */
const MAX_TOKEN = 16_384;
const MAX_NAME = 255;

/** The claims of a verified token. */
export interface Claims {
  readonly sub: string;
  /** `jti`, if the token has one. */
  readonly id: string | undefined;
  /** `iat`, if the token has one. Milliseconds since the epoch. */
  readonly issuedAt: number | undefined;
  /** The claims that `auth.info` lists. */
  readonly info: JsonObject;
  /** The claim with grants, unchecked. */
  readonly granted: unknown;
  /** `exp` and the clock tolerance. Milliseconds since the epoch. */
  readonly expiresAt: number;
}

type Jose = typeof import('jose');

/** Verifies tokens (RFC 7519, RFC 8725). */
export class Verifier {
  readonly #options: AuthOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #static: readonly Key[];
  readonly #remote: RemoteKeys | undefined;
  #jose: Promise<Jose> | undefined;

  /** Throws `UsageError` for a key file without a usable key. */
  constructor(options: AuthOptions, clock: Clock, log: Log) {
    const { url, maxAge, maxStale } = options.jwks;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#static = staticKeys(options, log);
    this.#remote = url === undefined ? undefined : new RemoteKeys({ url, maxAge, maxStale }, { clock, log });
  }

  /** Loads `jose`. A server without authentication never loads it. */
  async load(): Promise<void> {
    this.#jose ??= import('jose');
    await this.#jose;
  }

  /** Reads the files again, and fetches remote keys again for the next token. Throws `UsageError` and keeps the old keys. */
  reload(): void {
    this.#static = staticKeys(this.#options, this.#log);
    this.#remote?.expire();
  }

  /** Rejects with `TokenRefusal` or `KeysUnavailable`. */
  async verify(token: string): Promise<Claims> {
    this.#jose ??= import('jose');
    const jose = await this.#jose;
    const wanted = this.#read(token, jose);
    const key = fitting(this.#static, wanted) ?? (await this.#remote?.find(wanted));
    if (key === undefined) throw invalid('no key fits its alg and kid, or several do');
    return this.#claimsOf(await this.#check(token, key, wanted, jose));
  }

  // RFC 8725, 3.10: `jku`, `x5u` and keys in the header are ignored.
  #read(token: string, { decodeProtectedHeader }: Jose): Wanted {
    if (token.length > MAX_TOKEN) throw invalid(`it is longer than ${MAX_TOKEN} characters`);
    let header: { readonly alg?: unknown; readonly kid?: unknown };
    try {
      header = decodeProtectedHeader(token);
    } catch (cause) {
      throw new TokenRefusal('invalid', 'it is no signed token', { cause });
    }
    const { alg, kid } = header;
    if (!isAlgorithm(alg) || this.#options.algorithms?.includes(alg) === false)
      throw invalid('its algorithm is not known, or not one of auth.algorithms');
    if (kid !== undefined && typeof kid !== 'string') throw invalid('its kid is no string');
    return { alg, kid };
  }

  async #check(token: string, { key }: Key, { alg }: Wanted, jose: Jose): Promise<JsonObject> {
    const { issuer, audience, clockTolerance } = this.#options;
    try {
      const { payload } = await jose.jwtVerify(token, await key, {
        algorithms: [alg],
        ...(issuer.length > 0 && { issuer: [...issuer] }),
        ...(audience.length > 0 && { audience: [...audience] }),
        clockTolerance: clockTolerance / 1000,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'sub'],
      });
      return payload as JsonObject;
    } catch (error) {
      throw refusalOf(error, jose);
    }
  }

  #claimsOf(payload: JsonObject): Claims {
    const { exp, iat, sub, jti } = payload;
    const { maxLifetime, clockTolerance, info, grantsClaim } = this.#options;
    if (typeof exp !== 'number') throw invalid('its exp is no number');
    if (!isName(sub)) throw invalid(`its sub is no string of 1 to ${MAX_NAME} characters`);
    if (jti !== undefined && !isName(jti))
      throw invalid(`its jti is no string of 1 to ${MAX_NAME} characters`);
    // An `iat` in the future must not allow a longer life.
    const now = this.#clock.now();
    const from = typeof iat === 'number' ? Math.min(iat * 1000, now) : now;
    if (maxLifetime > 0 && exp * 1000 - from > maxLifetime + clockTolerance)
      throw invalid('it is good for longer than auth.maxLifetime');
    return {
      sub,
      id: jti,
      issuedAt: typeof iat === 'number' ? iat * 1000 : undefined,
      info: Object.fromEntries(info.filter(own(payload)).map((name) => [name, payload[name]])),
      granted: Object.hasOwn(payload, grantsClaim) ? payload[grantsClaim] : undefined,
      expiresAt: exp * 1000 + clockTolerance,
    };
  }
}

const isName = (text: unknown): text is string =>
  typeof text === 'string' && text !== '' && text.length <= MAX_NAME;

const own = (payload: object) => (name: string) => name !== '__proto__' && Object.hasOwn(payload, name);

const invalid = (why: string) => new TokenRefusal('invalid', why);

// The log gets `claim`: it is a name that this server asked for, never a text of the token.
function refusalOf(error: unknown, { errors }: Jose): unknown {
  if (error instanceof errors.JWTExpired)
    return new TokenRefusal('expired', 'it has expired', { cause: error });
  const why = reasonOf(error, errors);
  return why === undefined ? error : new TokenRefusal('invalid', why, { cause: error });
}

function reasonOf(error: unknown, errors: Jose['errors']): string | undefined {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (reason === 'missing') return `it has no ${claim}`;
    return claim === 'nbf' || claim === 'iat'
      ? 'it is not good yet'
      : `its ${claim} is not the one asked for`;
  }
  if (error instanceof errors.JOSEError) return 'it is malformed';
  return isObject(error) && error.code === 'ERR_CRYPTO_OPERATION_FAILED'
    ? 'its signature is wrong'
    : undefined;
}
