import { decodeJwt, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError, ClientError } from '../../src/cli/client-error.ts';
import { loadConfig } from '../../src/cli/config.ts';
import { token, type TokenFlags } from '../../src/cli/token.ts';
import { JwksServer, signer } from '../auth/jwks-server.ts';
import { guarded, secret } from '../auth/tokens.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { file } = tempFolder();

/** Runs the command: what it printed, what it said beside, and what it failed with. */
async function run(what: TokenFlags, flags: Readonly<Record<string, string>> = {}) {
  const printed: string[] = [];
  const said: string[] = [];
  const around = {
    clock: new FakeClock(),
    print: (line: string) => void printed.push(line),
    say: (line: string) => void said.push(line),
  };
  const config = loadConfig((flag) => flags[flag], {});
  const error: unknown = await token(what, config, around).catch((one: unknown) => one);
  return { printed, said, error, made: printed[0] ?? '' };
}

const own = { '--auth-secret': secret };

describe('a token for development', () => {
  it('is taken by a server with the same secret, and grants what was asked for', async () => {
    const { made, said } = await run(
      { sub: 'ann', ttl: '60', subscribe: ['/a/**', '/u/$sub'], call: ['/service/x'], claim: ['name=Ann'] },
      own,
    );
    const now = new FakeClock().now() / 1000;
    expect(said).toEqual([]);
    expect(decodeJwt(made)).toEqual({
      ...{ sub: 'ann', iat: now, exp: now + 60, name: 'Ann' },
      bayeux: { subscribe: ['/a/**', '/u/$sub'], call: ['/service/x'] },
    });
    const { shake } = guarded();
    expect(await shake({ ext: { auth: { token: made } } })).toMatchObject({ successful: true });
  });

  it('is for the issuer and the audience of the configuration, and has claims of any kind', async () => {
    const flags = {
      ...own,
      '--auth-issuer': 'me,you',
      '--auth-audience': 'push',
      '--auth-grants-claim': 'g',
    };
    const { made } = await run(
      { sub: 'ann', publish: ['/a'], claim: ['roles=["a"]', 'level=3', 'aud=x'] },
      flags,
    );
    expect(decodeJwt(made)).toMatchObject({
      iss: 'me',
      aud: 'x',
      g: { publish: ['/a'] },
      roles: ['a'],
      level: 3,
    });
  });

  it('is signed with a new secret where there is none, which is told beside', async () => {
    const { made, said } = await run({ sub: 'ann' });
    const [, key = ''] = /BAYEUXD_AUTH_SECRET=(\S+)$/.exec(said[0] ?? '') ?? [];
    expect(key).toMatch(/^[\w-]{43}$/);
    const { printed, error } = await run({ verify: made }, { '--auth-secret': key });
    expect([error, printed.at(-1)]).toEqual([undefined, 'good']);
  });

  it('is signed with the secret of a file', async () => {
    const { made } = await run({ sub: 'ann' }, { '--auth-secret-file': file('secret', `${secret}\n`) });
    expect((await run({ verify: made }, own)).printed.at(-1)).toBe('good');
  });

  it.each([
    [{}, {}, /--sub ann/],
    [{ sub: '' }, {}, /--sub ann/],
    [{ sub: 'a', ttl: '0' }, {}, /--ttl must be a whole number of at least 1/],
    [{ sub: 'a', ttl: '86401' }, {}, /at most 86400, which is auth\.maxLifetime/],
    [{ sub: 'a', claim: ['x'] }, own, /--claim must be like/],
    [{ sub: 'a', publish: ['a'] }, own, /a server would refuse it: its claim/],
  ])('is not made of %j', async (what, flags, message) => {
    const { error, printed } = await run(what, flags);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(String(error)).toMatch(message);
    expect(printed).toEqual([]);
  });

  it('is not made where only public keys are known', async () => {
    const flags = { '--auth-jwks-url': 'https://id.example/keys', '--auth-audience': 'a' };
    expect(String((await run({ sub: 'a' }, flags)).error)).toMatch(/only the owner of the private key/);
  });
});

describe('token --verify', () => {
  const made = (claims: Record<string, unknown>) =>
    new SignJWT({ sub: 'ann', ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret));
  const now = new FakeClock().now() / 1000;

  it('prints what a token says, with times in words', async () => {
    const { printed } = await run({ verify: await made({ iat: now - 5, exp: now + 60, '\u001b': 1 }) }, own);
    expect(printed).toEqual([
      'alg      "HS256"',
      'sub      "ann"',
      `iat      ${now - 5} (2025-06-15T15:06:35.000Z, 5 s ago)`,
      `exp      ${now + 60} (2025-06-15T15:07:40.000Z, in 60 s)`,
      '\\u001b        1',
      'good',
    ]);
  });

  it.each([
    [{ exp: now - 60 }, {}, 'refused: it has expired'],
    [{}, {}, 'refused: it has no exp'],
    [
      { exp: now + 60, aud: 'x' },
      { '--auth-audience': 'push' },
      'refused: its aud is not the one asked for (auth.audience: push)',
    ],
    [
      { exp: now + 60, iss: 'x' },
      { '--auth-issuer': 'a,b' },
      'refused: its iss is not the one asked for (auth.issuer: a, b)',
    ],
    [
      { exp: now + 60 },
      { '--auth-algorithms': 'ES256' },
      'refused: its algorithm is not known, or not one of auth.algorithms (ES256)',
    ],
    [{ exp: now + 1e6, iat: now }, {}, 'refused: it is good for longer than auth.maxLifetime (86400 s)'],
    [
      { exp: now + 60 },
      { '--auth-secret': 'another secret of thirty-two bytes' },
      'refused: its signature is wrong',
    ],
  ])('says why %j is refused', async (claims, flags, message) => {
    const { error, printed } = await run({ verify: await made(claims) }, { ...own, ...flags });
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({ message });
    expect(printed).toContain('sub      "ann"');
  });

  it('says why what is no token is refused', async () => {
    const { error, printed } = await run({ verify: 'hello' }, own);
    expect([String(error), printed]).toEqual(['ClientError: refused: it is no signed token', []]);
  });

  it('needs a key', async () => {
    expect(String((await run({ verify: 'x' })).error)).toMatch(/no key to check it with: give --config/);
  });

  describe('with the keys of a provider', () => {
    let jwks: JwksServer;
    beforeAll(async () => {
      jwks = await JwksServer.start();
    });
    afterAll(() => jwks.stop());

    it('fetches them, and says where that fails', async () => {
      const key = await signer('ES256', 'k');
      jwks.keys = [key.jwk];
      const text = await key.sign({ sub: 'ann', aud: 'push', exp: now + 60 });
      const flags = { '--auth-jwks-url': jwks.url, '--auth-audience': 'push' };
      expect((await run({ verify: text }, flags)).printed.at(-1)).toBe('good');
      jwks.status = 500;
      const { said, error } = await run({ verify: text }, flags);
      expect(said).toEqual([`${jwks.url} gives no keys: the answer has status 500`]);
      expect(String(error)).toContain('refused: the keys of auth.jwks.url cannot be fetched');
    });
  });
});
