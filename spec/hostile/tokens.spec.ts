import { exportSPKI, importJWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { JwksServer, type Signer, signer } from '../auth/jwks-server.ts';
import { send } from '../http/send.ts';
import { type Started, start } from '../support/start.ts';
import { byToken, signed, tokenOf } from './users.ts';

type Headers = Readonly<Record<string, string>>;

const json = { 'Content-Type': 'application/json' };

/** The error of a handshake with this token in `ext.auth` or in headers; undefined where it succeeds. */
async function errorOf({ url }: Started, token: string | undefined, headers: Headers = {}): Promise<unknown> {
  const ext = token === undefined ? {} : { ext: { auth: { token } } };
  const types = { version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const body = JSON.stringify([{ channel: '/meta/handshake', ...types, ...ext }]);
  const { text } = await send(url, 'POST', '', { ...json, ...headers }, body);
  const [reply] = JSON.parse(text);
  return reply.error;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const invalid = '401::token_invalid';
const missing = '401::token_missing';

describe('two tokens in one request', () => {
  it('are refused where they differ, wherever they stand', async () => {
    const here = await start(byToken);
    const [ann, bob] = [await tokenOf(here), await tokenOf(here, 'bob')];
    const places: readonly [string | undefined, Headers][] = [
      [ann, { Authorization: `Bearer ${bob}` }],
      [ann, { Cookie: `jwt=${bob}` }],
      [undefined, { Authorization: `Bearer ${ann}`, Cookie: `jwt=${bob}` }],
      [undefined, { Cookie: `jwt=${ann}; jwt=${bob}` }],
      [undefined, { Cookie: `jwt=${bob}; a=b; jwt=${ann}` }],
    ];
    for (const [token, headers] of places) expect(await errorOf(here, token, headers)).toBe(invalid);
    expect(here.server.sessions.size).toBe(0);
    expect(
      await errorOf(here, ann, { Authorization: `Bearer ${ann}`, Cookie: `jwt=${ann}; jwt=${ann}` }),
    ).toBe(undefined);
  });
});

describe('a token in a place that is not named', () => {
  it('is none', async () => {
    const here = await start(byToken);
    const token = await tokenOf(here);
    const places: Headers[] = [
      { Authorization: `Basic ${token}` },
      { Authorization: `Bearer x ${token}` },
      { Authorization: token },
      { 'X-Authorization': `Bearer ${token}` },
      { Cookie: `JWT=${token}; xjwt=${token}; jwtx=${token}` },
    ];
    for (const headers of places) expect(await errorOf(here, undefined, headers)).toBe(missing);
  });
});

describe('a token with an extension that its reader must understand (crit)', () => {
  it('is refused, though its signature is right', async () => {
    const here = await start(byToken);
    const claims = (await tokenOf(here)).split('.')[1];
    const sign = (header: object) => signed(encode({ alg: 'HS256', ...header }), claims);
    for (const header of [{ crit: ['x'], x: 1 }, { crit: ['exp'], exp: 1 }, { crit: [] }, { crit: 'x' }])
      expect(await errorOf(here, sign(header))).toBe(invalid);
    expect(await errorOf(here, sign({}))).toBe(undefined);
  });
});

describe('a token that chooses how it is checked', () => {
  let rsa: Signer;
  let ec: Signer;
  let server: JwksServer;
  beforeAll(async () => {
    [rsa, ec] = await Promise.all([signer('RS256', 'rsa'), signer('ES256', 'ec')]);
  });

  async function guarded(): Promise<Started> {
    server = await JwksServer.start();
    const jwks = server;
    onTestFinished(() => jwks.stop());
    Object.assign(server, { keys: [rsa.jwk, ec.jwk] });
    return start({ auth: { jwks: { url: server.url }, audience: ['push'] } });
  }

  const claimsAt = ({ clock }: Started) => {
    const now = Math.floor(clock.now() / 1000);
    return { sub: 'ann', aud: 'push', iat: now, exp: now + 600 };
  };

  it('by no algorithm (none) is refused, however it is written', async () => {
    const here = await guarded();
    const [, payload, signature] = (await ec.sign(claimsAt(here))).split('.');
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, ['ES256', 'none'], undefined]) {
      for (const end of ['', signature])
        expect(await errorOf(here, `${encode({ alg, kid: 'ec' })}.${payload}.${end}`)).toBe(invalid);
    }
    expect(await errorOf(here, await ec.sign(claimsAt(here)))).toBe(undefined);
  });

  it('by a public key as a secret (HS256) is refused', async () => {
    const here = await guarded();
    const { n } = rsa.jwk;
    const publicKey = await importJWK({ ...rsa.jwk, alg: 'RS256' }, 'RS256', { extractable: true });
    if (publicKey instanceof Uint8Array) throw new Error('it is no public key');
    const secrets = [
      ...[JSON.stringify(rsa.jwk), String(n), await exportSPKI(publicKey), JSON.stringify(server.keys)],
      ...[''.padEnd(32, '\0'), Buffer.from(String(n), 'base64url')],
    ];
    for (const secret of secrets) {
      const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
      for (const kid of ['rsa', 'ec', undefined]) {
        const header = { alg: 'HS256', ...(kid !== undefined && { kid }) };
        const token = await new SignJWT(claimsAt(here)).setProtectedHeader(header).sign(key);
        expect(await errorOf(here, token)).toBe(invalid);
      }
    }
  });

  it('by the kid of another key is refused', async () => {
    const here = await guarded();
    expect(await errorOf(here, await rsa.sign(claimsAt(here), { kid: 'ec' }))).toBe(invalid);
    expect(await errorOf(here, await ec.sign(claimsAt(here), { kid: 'rsa' }))).toBe(invalid);
    for (const kid of [7, null, ['ec'], { kid: 'ec' }, '__proto__', '../ec', 'ec\u0000', 'EC'])
      expect(await errorOf(here, await ec.sign(claimsAt(here), { kid }))).toBe(invalid);
  });

  it('by a key that it brings or names itself is refused', async () => {
    const here = await guarded();
    const evil = await signer('ES256', 'evil');
    const elsewhere = await JwksServer.start();
    onTestFinished(() => elsewhere.stop());
    Object.assign(elsewhere, { keys: [evil.jwk] });
    const headers: object[] = [
      { jwk: evil.jwk },
      { jku: elsewhere.url },
      { x5u: elsewhere.url },
      { x5c: ['AAAA'] },
    ];
    for (const header of headers)
      for (const kid of ['ec', 'evil'])
        expect(await errorOf(here, await evil.sign(claimsAt(here), { ...header, kid }))).toBe(invalid);
    expect(elsewhere.asked).toBe(0);
  });

  it('without a signature, or with the one of another token, is refused', async () => {
    const here = await guarded();
    const [header, payload] = (await ec.sign(claimsAt(here))).split('.');
    const [, , other] = (await ec.sign({ ...claimsAt(here), sub: 'bob' })).split('.');
    for (const signature of ['', 'AA', other, 'A'.repeat(86)])
      expect(await errorOf(here, `${header}.${payload}.${signature}`)).toBe(invalid);
  });
});
