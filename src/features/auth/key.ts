import { createPublicKey, type KeyObject, subtle, type webcrypto } from 'node:crypto';
import type { Algorithm } from './algorithms.ts';

/** A key and the algorithms it may be used with, so that a token cannot choose another one (RFC 8725, 3.1). */
export interface Key {
  /** Key id, if the key has one. */
  readonly kid?: string;
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject | Promise<webcrypto.CryptoKey>;
}

/** What the header of a token says about its key. */
export interface Wanted {
  readonly kid: string | undefined;
  readonly alg: Algorithm;
}

const byCurve: Readonly<Record<string, Algorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

const hashes = [
  ['HS256', 'SHA-256', 32],
  ['HS384', 'SHA-384', 48],
  ['HS512', 'SHA-512', 64],
] as const;

/**
 * The keys of a secret, one for each algorithm. RFC 7518, 3.2: a secret is at least as long as the hash. Imported here once:
 * `jose` would import a `KeyObject` again for each token.
 */
export function secretKeys(secret: string): readonly Key[] {
  const bytes = Buffer.from(secret);
  return hashes
    .filter(([, , length]) => bytes.length >= length)
    .map(([algorithm, hash]) => ({
      algorithms: [algorithm],
      key: subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['verify']),
    }));
}

/** Reads a public key or a certificate in PEM. Throws for anything else, private keys included. */
export function keyOfPem(pem: string): Key {
  if (/PRIVATE KEY-----/.test(pem)) throw new Error('it holds a private key; give the public key');
  return publicKey(createPublicKey(pem));
}

/** Reads a public key from a JWK (RFC 7517). Throws for a key that cannot verify signatures. */
export function keyOfJwk(jwk: Readonly<Record<string, unknown>>): Key {
  const { kty, kid, use, alg, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') throw new Error('its use is not sig');
  if (Array.isArray(operations) && !operations.includes('verify'))
    throw new Error('its key_ops do not include verify');
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP')
    throw new Error('its kty is not RSA, EC or OKP: it is no public key');
  const { n, e, crv, x, y } = jwk;
  // Takes the public part, if the key is private.
  const key = publicKey(createPublicKey({ key: { kty, n, e, crv, x, y } as never, format: 'jwk' }));
  const only = alg === undefined ? key.algorithms : key.algorithms.filter((algorithm) => algorithm === alg);
  if (only.length === 0) throw new Error('its alg does not fit the type of the key');
  return { ...key, algorithms: only, ...(typeof kid === 'string' && { kid }) };
}

function publicKey(key: KeyObject): Key {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  switch (type) {
    case 'rsa':
      if ((details?.modulusLength ?? 0) < 2048) throw new Error('an RSA key needs 2048 bits');
      return { key, algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] };
    case 'ed25519':
      return { key, algorithms: ['EdDSA', 'Ed25519'] };
    case 'ec': {
      const algorithm = byCurve[details?.namedCurve ?? ''];
      if (algorithm !== undefined) return { key, algorithms: [algorithm] };
    }
  }
  throw new Error('it is neither RSA nor Ed25519, nor of a NIST curve');
}

/** The one key that fits; undefined if none fits, or several. */
export function fitting(keys: readonly Key[], { kid, alg }: Wanted): Key | undefined {
  const fit = keys.filter((key) => key.algorithms.includes(alg) && matches(key, kid));
  return fit.length === 1 ? fit[0] : undefined;
}

// A static key often has no kid; it then fits every kid.
function matches(key: Key, kid: string | undefined): boolean {
  return key.kid === undefined || kid === undefined || key.kid === kid;
}
