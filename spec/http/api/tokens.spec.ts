import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { ApiOptions } from '../../../src/index.ts';
import { secret } from '../../auth/tokens.ts';
import { KEY, probe } from './probe.ts';

async function tokens(options: ApiOptions = {}) {
  const started = await probe(options, { auth: { secret } });
  const sign = (claims: Record<string, unknown>, by = secret) => {
    const now = Math.floor(started.clock.now() / 1000);
    return new SignJWT({ sub: 'ann', iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(by));
  };
  const publish = async (token: string, channel = '/ci/build') =>
    started.post('/publish', {
      body: { channel, data: 1 },
      headers: { Authorization: `Bearer ${token}` },
    });
  return { ...started, sign, publish };
}

const granting = (api: unknown) => ({ bayeux: { publish: ['/**'], api } });

describe('a token', () => {
  it.each([
    [{ rights: ['publish'], channels: ['/ci/**'] }, '/ci/build', undefined],
    [{ rights: ['admin'] }, '/anything', undefined],
    [
      { rights: ['publish'], channels: ['/ci/**'] },
      '/news',
      'the token of "ann" may not publish to /news: its channels are /ci/**',
    ],
    [
      { rights: ['read'], channels: ['/**'] },
      '/news',
      'the token of "ann" does not have the right publish: its rights are read',
    ],
    [undefined, '/news', 'the token of "ann" does not have the right publish: its rights are none'],
  ])('with the claim %j publishes to %s: %s', async (api, channel, why) => {
    const { sign, publish } = await tokens();
    const { status, body } = await publish(await sign(granting(api)), channel);
    expect([status, body.detail]).toEqual([why === undefined ? 200 : 403, why]);
  });

  it('works beside API keys', async () => {
    const { sign, publish } = await tokens({ key: KEY });
    expect((await publish(await sign(granting({ rights: ['admin'] })))).status).toBe(200);
    expect((await publish(KEY)).status).toBe(200);
  });

  it.each<[string, unknown]>([
    ['is malformed: the body must be object', ['publish']],
    ['is malformed: rights is missing', {}],
    ['is malformed: rights.0 must be equal to one of the allowed values', { rights: ['write'] }],
    ['has no right: give it one of publish, read, admin', { rights: [] }],
    ['has no channels', { rights: ['read'] }],
    ['which is for every channel', { rights: ['admin'], channels: ['/a'] }],
    ['"a" is no channel name or pattern', { rights: ['read'], channels: ['a'] }],
  ])('whose claim %s is refused', async (why, api) => {
    const { sign, publish } = await tokens();
    const { body } = await publish(await sign(granting(api)));
    expect(body).toMatchObject({ status: 401, code: 'token_invalid' });
    expect(body.detail).toContain(why);
  });

  it('that another key signed is refused, and counts as a wrong key', async () => {
    const { sign, publish, events } = await tokens();
    const forged = await sign(granting({ rights: ['admin'] }), 'another secret of thirty-two bytes');
    for (let time = 0; time < 20; time += 1) {
      const { body, headers } = await publish(forged);
      expect(body).toMatchObject({ status: 401, code: 'token_invalid' });
      expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    }
    expect((await publish(forged)).body.code).toBe('too_many_wrong_keys');
    const refusals = events.filter(({ event }) => event === 'auth.refused');
    expect(refusals).toMatchObject([{ why: 'its signature is wrong', address: '127.0.0.1' }]);
  });

  it('that expired or is revoked is refused, and counts as no wrong key', async () => {
    const { sign, publish, clock, server } = await tokens();
    const good = await sign({ ...granting({ rights: ['admin'] }), jti: 'one' });
    expect((await publish(good)).status).toBe(200);
    await server.revoke({ tokenId: 'one' });
    for (let time = 0; time < 25; time += 1)
      expect((await publish(good)).body).toMatchObject({ status: 401, code: 'token_revoked' });
    const old = await sign(granting({ rights: ['admin'] }));
    await clock.tick(700_000);
    expect((await publish(old)).body).toMatchObject({ status: 401, code: 'token_expired' });
  });

  it('is looked at only in its header, never in a cookie or the URL', async () => {
    const { sign, post } = await tokens();
    const token = await sign(granting({ rights: ['admin'] }));
    const sent = { body: { channel: '/a', data: 1 }, headers: { Cookie: `token=${token}` } };
    const { body } = await post(`/publish?access_token=${token}`, sent);
    expect(body).toMatchObject({ status: 401, code: 'key_missing' });
  });

  it('is no key where the server verifies none', async () => {
    const { sign } = await tokens();
    const token = await sign(granting({ rights: ['admin'] }));
    const { post } = await probe({ key: KEY });
    const { body } = await post('/publish', { key: token, body: { channel: '/a', data: 1 } });
    expect(body).toMatchObject({ status: 401, code: 'key_wrong' });
  });
});
