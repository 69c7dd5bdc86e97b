import { chmodSync } from 'node:fs';
import { exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KeysUnavailable, TokenRefusal } from '../../src/features/auth/refusal.ts';
import { Verifier } from '../../src/features/auth/verifier.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import { resolveOptions } from '../../src/server-options.ts';
import type { AuthOptions } from '../../src/server-options-types.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { JwksServer, type Signer, signer } from './jwks-server.ts';

const { file } = tempFolder();
const secret = 'a secret of at least thirty-two bytes';
const audience = ['push'];

let jwks: JwksServer;
let clock: FakeClock;
let lines: LogEvent[];
let keys: Record<'rsa' | 'pss' | 'ec' | 'ed' | 'next', Signer>;

beforeAll(async () => {
  const [rsa, pss, ec, ed, next] = await Promise.all([
    signer('RS256', 'rsa'),
    signer('PS256', 'pss'),
    signer('ES256', 'ec'),
    signer('EdDSA', 'ed'),
    signer('ES256', 'next'),
  ]);
  keys = { rsa, pss, ec, ed, next };
  jwks = await JwksServer.start();
});
afterAll(() => jwks.stop());

beforeEach(() => {
  Object.assign(jwks, { keys: [keys.rsa, keys.pss, keys.ec, keys.ed].map(({ jwk }) => jwk), asked: 0 });
  Object.assign(jwks, { body: undefined, status: 200, location: undefined });
  clock = new FakeClock();
  lines = [];
});

function verifier(auth: AuthOptions): Verifier {
  const options = resolveOptions({ auth, authByCookie: auth.cookie !== undefined });
  return new Verifier(options.auth, clock, (line) => void lines.push(line));
}

const remote = (more: AuthOptions = {}) => verifier({ jwks: { url: jwks.url }, audience, ...more });

const seconds = (from = 0) => Math.floor(clock.now() / 1000) + from;

const claims = (more: Record<string, unknown> = {}) => ({
  sub: 'ann',
  aud: 'push',
  iat: seconds(),
  exp: seconds(600),
  ...more,
});

async function publicKeys(mode: number): Promise<string> {
  const { publicKey } = await generateKeyPair('ES256');
  const path = file('key.pem', await exportSPKI(publicKey));
  chmodSync(path, mode);
  return path;
}

function hs(payload: Record<string, unknown>, alg = 'HS256', key = secret): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(new TextEncoder().encode(key));
}

async function refusal(verifying: Promise<unknown>): Promise<TokenRefusal> {
  const error: unknown = await verifying.then(
    () => new Error('it was taken'),
    (one: unknown) => one,
  );
  if (error instanceof TokenRefusal) return error;
  throw error;
}

const why = async (verifying: Promise<unknown>) => (await refusal(verifying)).why;

describe('a token', () => {
  it.each(['rsa', 'pss', 'ec', 'ed'] as const)(
    'that is signed with a key of the set (%s) is taken',
    async (name) => {
      const { sub, expiresAt } = await remote().verify(await keys[name].sign(claims()));
      expect({ sub, expiresAt }).toEqual({ sub: 'ann', expiresAt: seconds(600) * 1000 + 5_000 });
    },
  );

  it('that is signed with the secret is taken', async () => {
    expect(await verifier({ secret }).verify(await hs(claims()))).toMatchObject({ sub: 'ann' });
  });

  it('says the claims that are asked for, and no others', async () => {
    const token = await hs(claims({ name: 'Ann', email: 'a@b.c', bayeux: { subscribe: ['/a'] } }));
    const { info, granted } = await verifier({ secret, info: ['name', 'team'] }).verify(token);
    expect({ info, granted }).toEqual({ info: { name: 'Ann' }, granted: { subscribe: ['/a'] } });
  });

  it.each([
    ['has expired', { exp: -6 }, 'expired', 'it has expired'],
    ['is not good yet', { nbf: 60 }, 'invalid', 'it is not good yet'],
  ] as const)('that %s is refused', async (_, times, kind, reason) => {
    const given = Object.fromEntries(Object.entries(times).map(([name, at]) => [name, seconds(at)]));
    const { kind: told, why } = await refusal(verifier({ secret }).verify(await hs(claims(given))));
    expect({ kind: told, why }).toEqual({ kind, why: reason });
  });

  it('is taken within the tolerance of the clock', async () => {
    const token = await hs(claims({ exp: seconds(-4), nbf: seconds(4) }));
    expect(await verifier({ secret }).verify(token)).toMatchObject({ sub: 'ann' });
    await expect(verifier({ secret, clockTolerance: 0 }).verify(token)).rejects.toThrow(TokenRefusal);
  });

  it.each([
    [{ exp: undefined }, 'it has no exp'],
    [{ sub: undefined }, 'it has no sub'],
    [{ sub: '' }, 'its sub is no string of 1 to 255 characters'],
    [{ sub: 'x'.repeat(256) }, 'its sub is no string of 1 to 255 characters'],
    [{ sub: 7 }, 'its sub is no string of 1 to 255 characters'],
    [{ aud: 'other' }, 'its aud is not the one asked for'],
    [{ aud: undefined }, 'it has no aud'],
    [{ iss: 'https://other' }, 'its iss is not the one asked for'],
    [{ iss: undefined }, 'it has no iss'],
  ])('with %j is refused', async (fields, reason) => {
    const options = { secret, audience, issuer: ['https://id'] };
    const token = await hs({ ...claims(), iss: 'https://id', ...fields });
    expect(await why(verifier(options).verify(token))).toBe(reason);
  });

  it('may name one of several issuers and audiences', async () => {
    const token = await hs(claims({ iss: 'b', aud: ['x', 'push'] }));
    expect(await verifier({ secret, audience, issuer: ['a', 'b'] }).verify(token)).toMatchObject({
      sub: 'ann',
    });
  });

  it.each([
    ['from iat to exp', { iat: 0, exp: 90_000 }],
    ['from now, without iat', { iat: undefined, exp: 90_000 }],
    ['from now, with an iat to come', { iat: 89_000, exp: 90_000 }],
  ])('that lives too long is refused: %s', async (_, { iat, exp }) => {
    const token = await hs(claims({ iat: iat === undefined ? undefined : seconds(iat), exp: seconds(exp) }));
    expect(await why(verifier({ secret }).verify(token))).toBe('it is good for longer than auth.maxLifetime');
    expect(await verifier({ secret, maxLifetime: 0 }).verify(token)).toMatchObject({ sub: 'ann' });
  });

  it('that is too long is not read', async () => {
    expect(await why(verifier({ secret }).verify('a'.repeat(16_385)))).toBe(
      'it is longer than 16384 characters',
    );
  });

  it.each(['', 'x', 'a.b.c', 'a.b.c.d.e', '{}', '\u0000.\u0000.'])(
    'that is none is refused: %j',
    async (text) => {
      expect(await why(verifier({ secret }).verify(text))).toBe('it is no signed token');
    },
  );
});

describe('the algorithm', () => {
  it('is never none', async () => {
    const token = new UnsecuredJWT(claims()).encode();
    expect(await why(verifier({ secret }).verify(token))).toBe(
      'its algorithm is not known, or not one of auth.algorithms',
    );
  });

  it('is one of the list', async () => {
    const only = verifier({ jwks: { url: jwks.url }, audience, algorithms: ['ES256'] });
    expect(await only.verify(await keys.ec.sign(claims()))).toMatchObject({ sub: 'ann' });
    const token = await keys.rsa.sign(claims());
    expect(await why(only.verify(token))).toBe('its algorithm is not known, or not one of auth.algorithms');
  });

  it('is bound to the key: a public key is no secret', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const pem = await exportSPKI(publicKey);
    const verified = verifier({ keyFile: file('key.pem', pem) });
    const good = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    expect(await verified.verify(good)).toMatchObject({ sub: 'ann' });
    for (const key of [pem, pem.trim()])
      expect(await why(verified.verify(await hs(claims(), 'HS256', key)))).toBe(
        'no key fits its alg and kid, or several do',
      );
  });

  it('is bound to the key: a JWK with alg takes no other', async () => {
    jwks.keys = [{ ...keys.rsa.jwk, alg: 'RS512' }];
    expect(await why(remote().verify(await keys.rsa.sign(claims())))).toMatch(/^no key fits/);
  });

  it('needs a secret that is as long', async () => {
    expect(await why(verifier({ secret }).verify(await hs(claims(), 'HS512')))).toMatch(/^no key fits/);
    const long = secret.repeat(2);
    expect(await verifier({ secret: long }).verify(await hs(claims(), 'HS512', long))).toMatchObject({
      sub: 'ann',
    });
  });

  it.each(['oct', 'enc', 'RSA of 1024 bits'])('takes no key of a set that is %s', async (kind) => {
    const oct = { kty: 'oct', kid: 'k', k: Buffer.from(secret).toString('base64url') };
    const enc = { ...keys.ec.jwk, use: 'enc' };
    const short = { kty: 'RSA', kid: 'ec', n: Buffer.alloc(128, 255).toString('base64url'), e: 'AQAB' };
    jwks.keys = kind === 'oct' ? [oct] : kind === 'enc' ? [enc] : [short];
    const token = kind === 'oct' ? await hs(claims()) : await keys.ec.sign(claims());
    expect(await why(remote().verify(token))).toMatch(/^no key fits/);
  });
});

describe('a key that the token itself brings', () => {
  it.each(['jku', 'x5u'])('is not looked for at %s', async (name) => {
    const evil = await signer('ES256', 'ec');
    const elsewhere = await JwksServer.start();
    try {
      elsewhere.keys = [evil.jwk];
      const token = await evil.sign(claims(), { [name]: elsewhere.url });
      expect(await why(remote().verify(token))).toBe('its signature is wrong');
      expect(elsewhere.asked).toBe(0);
    } finally {
      elsewhere.stop();
    }
  });

  it('is not taken from jwk', async () => {
    const evil = await signer('ES256', 'ec');
    expect(await why(remote().verify(await evil.sign(claims(), { jwk: evil.jwk })))).toBe(
      'its signature is wrong',
    );
  });
});

describe('a set of keys that is fetched', () => {
  it('is fetched once for all that come at the same time, and used again', async () => {
    const verified = remote();
    const token = await keys.ec.sign(claims());
    await Promise.all([verified.verify(token), verified.verify(token), verified.verify(token)]);
    await verified.verify(token);
    expect(jwks.asked).toBe(1);
  });

  it('is fetched again when a key is new', async () => {
    const verified = remote();
    await verified.verify(await keys.ec.sign(claims()));
    jwks.keys = [keys.next.jwk];
    await clock.tick(30_000);
    expect(await verified.verify(await keys.next.sign(claims()))).toMatchObject({ sub: 'ann' });
    expect(await why(verified.verify(await keys.ec.sign(claims())))).toMatch(/^no key fits/);
    expect(jwks.asked).toBe(2);
  });

  it('is fetched again at most once in 30 s, however many keys are made up', async () => {
    const verified = remote();
    await verified.verify(await keys.ec.sign(claims()));
    await clock.tick(30_000);
    for (let at = 0; at < 50; at += 1) {
      const token = await keys.ec.sign(claims(), { kid: `made up ${at} ${'x'.repeat(5_000)}` });
      expect(await why(verified.verify(token))).toMatch(/^no key fits/);
    }
    expect(jwks.asked).toBe(2);
  });

  it('is fetched again when it is old, so that a key that was taken back is no longer good', async () => {
    const verified = remote();
    const token = await keys.ec.sign(claims({ exp: seconds(3_600) }));
    await verified.verify(token);
    jwks.keys = [keys.next.jwk];
    await clock.tick(600_001);
    expect(await why(verified.verify(token))).toMatch(/^no key fits/);
  });

  it('is used for a while longer when it cannot be fetched, and then no more', async () => {
    const verified = remote({ maxLifetime: 0 });
    const token = await keys.ec.sign(claims({ exp: seconds(100_000) }));
    await verified.verify(token);
    jwks.status = 503;
    await clock.tick(600_000 + 3_600_000);
    expect(await verified.verify(token)).toMatchObject({ sub: 'ann' });
    expect(lines).toMatchObject([{ level: 'warn', event: 'auth.keys_failed', url: jwks.url, isStale: true }]);
    await clock.tick(1);
    await expect(verified.verify(token)).rejects.toThrow(KeysUnavailable);
  });

  it.each([
    [
      'is too large',
      { body: JSON.stringify({ keys: [], more: 'x'.repeat(262_144) }) },
      /more than 262144 bytes/,
    ],
    ['has too many keys', { body: JSON.stringify({ keys: Array(101).fill({}) }) }, /more than 100 keys/],
    ['is no set', { body: '[]' }, /no set of keys/],
    ['has another status', { status: 404 }, /status 404/],
    ['leads elsewhere', { location: '/other' }, /fetch failed|redirect/],
  ])('is not taken when it %s', async (_, answer, error) => {
    Object.assign(jwks, answer);
    const verified = remote();
    const token = await keys.ec.sign(claims());
    await expect(verified.verify(token)).rejects.toThrow(KeysUnavailable);
    await expect(verified.verify(token)).rejects.toThrow(KeysUnavailable);
    expect(jwks.asked).toBe(1);
    expect(lines).toMatchObject([
      { event: 'auth.keys_failed', error: { message: expect.stringMatching(error) } },
    ]);
  });

  it('leaves no timer behind', async () => {
    await remote().verify(await keys.ec.sign(claims()));
    expect(clock.pending).toBe(0);
  });
});

describe('the options of authentication', () => {
  it.each([
    [{ anonymous: true }, /auth\.anonymous has no effect without a key/],
    [{ cookie: 'token' }, /auth\.cookie has no effect without a key/],
    [{ jwks: { url: 'https://id.example/keys' } }, /needs auth\.audience/],
    [{ jwks: { url: 'http://id.example/keys' }, audience }, /must be an https address/],
    [{ jwks: { url: 'http://localhost.example/keys' }, audience }, /must be an https address/],
    [{ secret: 'too short' }, /at least 32 characters, not `<redacted>`$/],
    [{ secret, secretFile: 'x' }, /exclude each other/],
    [{ secret, cookie: 'token' }, /needs authByCookie/],
    [{ secret, algorithms: ['none' as 'HS256'] }, /"none"/],
  ])('are refused: %j', (auth, message) => {
    expect(() => resolveOptions({ auth })).toThrow(message);
  });

  it.each([
    ['-----BEGIN PRIVATE KEY-----\n', /holds a private key/],
    ['hello', /cannot be used/],
    ['{"keys":[]}', /holds no key/],
    ['{"kty":"oct","k":"aa"}', /no public key/],
  ])('refuse a key file with %j', (text, message) => {
    expect(() => verifier({ keyFile: file('key', text) })).toThrow(message);
  });

  it.each(['secretFile', 'keyFile'])(
    'refuse a file that is not there, by the name of the option: %s',
    (option) => {
      expect(() => verifier({ [option]: '/nowhere/x' })).toThrow(
        `auth.${option}: /nowhere/x cannot be read: there is no such file; correct the path`,
      );
    },
  );

  it.each([0o640, 0o604, 0o622])('warn of a secret that others may use: %o', (mode) => {
    const path = file('secret', secret);
    chmodSync(path, mode);
    verifier({ secretFile: path });
    expect(lines).toEqual([
      {
        level: 'warn',
        event: 'auth.secret_file_open',
        file: path,
        mode: mode.toString(8),
        why: `other users can access the file with the secret of tokens: chmod 600 ${path}`,
      },
    ]);
  });

  it.each([0o664, 0o646])('warn of public keys that others may replace: %o', async (mode) => {
    const path = await publicKeys(mode);
    verifier({ keyFile: path });
    expect(lines).toEqual([
      {
        level: 'warn',
        event: 'auth.key_file_open',
        file: path,
        mode: mode.toString(8),
        why: `other users can write the file with the keys that verify tokens: chmod 644 ${path}`,
      },
    ]);
  });

  it('warn of no file that only its owner may use, and of no public key that others may read', async () => {
    const path = file('secret', secret);
    chmodSync(path, 0o600);
    verifier({ secretFile: path, keyFile: await publicKeys(0o644) });
    expect(lines).toEqual([]);
  });
});
