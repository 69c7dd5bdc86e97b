import { beforeEach, describe, expect, it } from 'vitest';
import { ask, FakeClient } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { turn } from '../support/until.ts';
import { all, type Guarded, granting, guarded } from './tokens.ts';

let here: Guarded;
beforeEach(() => {
  here = guarded();
});

const none = { reconnect: 'none' };

describe('a handshake', () => {
  it('with a token in ext.auth names the user', async () => {
    const client = await here.open();
    expect(client.session.user).toEqual({ id: 'ann', info: {} });
    expect(await here.server.directory.sessionsOf('ann')).toEqual([client.session.id]);
  });

  it.each(['Bearer', 'OAuth', 'bearer'])('takes a token in Authorization: %s', async (scheme) => {
    const headers = { authorization: `${scheme} ${await here.token()}` };
    const client = await FakeClient.open(here.server, exchange({ headers }));
    expect(client.session.user?.id).toBe('ann');
  });

  it('takes a token in the cookie that is configured, and in no other', async () => {
    const { server, token, shake } = guarded({ auth: { cookie: 'jwt' }, authByCookie: true });
    const conduit = exchange({ cookies: { jwt: await token() } });
    expect((await FakeClient.open(server, conduit)).session.user?.id).toBe('ann');
    const other = exchange({ cookies: { other: await token() } });
    expect(await shake({}, other)).toMatchObject({ error: '401::token_missing' });
  });

  it('takes no cookie where none is configured', async () => {
    const conduit = exchange({ cookies: { undefined: await here.token() } });
    expect(await here.shake({}, conduit)).toMatchObject({ error: '401::token_missing' });
  });

  it('is refused without a token, and the log says why', async () => {
    expect(await here.shake()).toMatchObject({
      successful: false,
      error: '401::token_missing',
      advice: none,
    });
    expect(here.lines).toMatchObject([
      { level: 'warn', event: 'auth.refused', why: 'no token came', count: 1 },
    ]);
    expect([...here.server.sessions]).toEqual([]);
  });

  it.each([{ token: 7 }, 'text', null, [], { token: null }])(
    'is refused with ext.auth of %j',
    async (auth) => {
      expect(await here.shake({ ext: { auth } })).toMatchObject({ error: '401::token_missing' });
    },
  );

  it('is refused with an expired token', async () => {
    const token = await here.token();
    await here.clock.tick(605_000);
    const reply = await here.shake({ ext: { auth: { token } } });
    expect(reply).toMatchObject({ error: '401::token_expired', advice: none });
  });

  it('is told no more than that its token is invalid', async () => {
    const wrong = await guarded({ auth: { secret: 'another secret of thirty-two bytes' } }).token();
    const token = `${wrong.slice(0, -4)}AAAA`;
    const reply = await here.shake({ ext: { auth: { token } } });
    expect(reply).toMatchObject({ error: '401::token_invalid', advice: none });
    expect(JSON.stringify(reply)).not.toContain('signature');
    expect(here.lines).toMatchObject([{ event: 'auth.refused', why: 'its signature is wrong' }]);
  });

  it('is refused with two tokens that differ, and not with the same one twice', async () => {
    const [one, other] = [await here.token(), await here.token({ sub: 'bob' })];
    const headers = { authorization: `Bearer ${one}` };
    const both = (token: string) => here.shake({ ext: { auth: { token } } }, exchange({ headers }));
    expect(await both(other)).toMatchObject({ error: '401::token_invalid' });
    expect(await both(one)).toMatchObject({ successful: true });
  });

  it('takes no token from a message that came by a URL', async () => {
    const conduit = exchange({ transport: 'callback-polling' });
    const reply = await here.shake({ ext: { auth: { token: await here.token() } } }, conduit);
    expect(reply).toMatchObject({ error: '401::token_missing' });
    expect(here.lines).toMatchObject([{ why: 'it came by callback-polling, whose URLs are logged' }]);
  });

  it('without a token is taken where that is allowed, and a bad token all the same is not', async () => {
    const { shake, server } = guarded({ auth: { anonymous: true } });
    expect(await shake()).toMatchObject({ successful: true });
    expect([...server.sessions].map(({ user }) => user)).toEqual([undefined]);
    expect(await shake({ ext: { auth: { token: 'x.y.z' } } })).toMatchObject({ error: '401::token_invalid' });
  });

  it('gives the claims that are listed to user.info', async () => {
    const { open } = guarded({ auth: { info: ['name', 'roles', '__proto__'] } });
    const { session } = await open({ name: 'Ann', roles: ['a'], email: 'a@b.c' });
    expect(session.user).toEqual({ id: 'ann', info: { name: 'Ann', roles: ['a'] } });
  });

  it('is asked about with its user, and refused where the policy refuses (AND)', async () => {
    const asked: unknown[] = [];
    const { shake, token } = guarded({
      policy: { canHandshake: ({ user }) => asked.push(user) < 0 },
    });
    const reply = await shake({ ext: { auth: { token: await token() } } });
    expect(reply).toMatchObject({ error: '403::handshake_denied' });
    expect(asked).toEqual([{ id: 'ann', info: {} }]);
    expect(await shake()).toMatchObject({ error: '401::token_missing' });
    expect(asked).toHaveLength(1);
  });

  it('may be given another user by the policy', async () => {
    const { open } = guarded({
      policy: {
        canHandshake: ({ user }) => ({ allow: true, user: { id: `nr-${user?.id}`, info: { a: 1 } } }),
      },
    });
    expect((await open()).session.user).toEqual({ id: 'nr-ann', info: { a: 1 } });
  });

  it('fails with 500 where the keys cannot be fetched', async () => {
    const { shake, lines } = guarded({
      auth: { secret: undefined, jwks: { url: 'http://127.0.0.1:9/keys' }, audience: ['a'] },
    });
    const token = `${btoa('{"alg":"RS256","kid":"k"}')}.${btoa('{}')}.AA`;
    expect(await shake({ ext: { auth: { token } } })).toMatchObject({ error: '500::server_error' });
    expect(lines).toMatchObject([{ event: 'auth.keys_failed' }]);
  });

  it('in this process needs no token', async () => {
    const session = await here.server.localSession();
    await session.subscribe('/a', () => {});
    await session.publish('/a', 1);
  });

  it('in this process needs a token where it is judged, unless the application names its user', async () => {
    const { server, token } = guarded({
      channels: { '/users/$sub': { grants: { subscribe: 'users' } } },
    });
    await expect(server.localSession({ judged: true })).rejects.toMatchObject({ text: '401::token_missing' });
    const auth = { token: await token(granting({ subscribe: ['/a'] })) };
    const byToken = await server.localSession({ judged: true, ext: { auth } });
    await byToken.subscribe('/a', () => {});
    const named = await server.localSession({ judged: true, user: 'bob' });
    await named.subscribe('/users/bob', () => {});
    await expect(named.subscribe('/users/ann', () => {})).rejects.toMatchObject({
      text: '403:/users/ann:subscribe_denied',
    });
    expect([byToken.session.user?.id, named.session.user?.id]).toEqual(['ann', 'bob']);
  });

  it('logs each reason once a minute', async () => {
    for (let at = 0; at < 3; at += 1) await here.shake();
    await here.shake({ ext: { auth: { token: 'x' } } });
    expect(here.lines.map(({ why }) => why)).toEqual(['no token came', 'it is no signed token']);
    await here.clock.tick(60_000);
    await here.shake();
    expect(here.lines.at(-1)).toMatchObject({ why: 'no token came', count: 3 });
  });
});

describe('a session whose token expires', () => {
  it('has its held connect failed, and later messages get 402', async () => {
    const { open, clock } = here;
    const client = await open({ exp: Math.floor(clock.now() / 1000) + 10 });
    const reasons: string[] = [];
    client.session.on('closed', ({ reason }) => reasons.push(reason));
    const held = await client.connect();
    await clock.tick(14_999);
    expect(held.messages).toEqual([]);
    await clock.tick(1);
    expect(held.messages).toMatchObject([
      { channel: '/meta/disconnect', successful: true },
      { channel: '/meta/connect', successful: false, error: '401::token_expired', advice: none },
    ]);
    expect((await client.publish('/a', 1)).reply).toMatchObject({ error: '402::session_unknown' });
    expect(reasons).toEqual(['expired']);
  });

  it('is told on its socket', async () => {
    const { open, clock } = here;
    const line = socket();
    await open({ exp: Math.floor(clock.now() / 1000) + 5 }, line);
    await clock.tick(10_000);
    expect(line.messages.slice(2)).toEqual([{ channel: '/meta/disconnect', successful: true }]);
    expect(line.ends).toEqual(['disconnected']);
  });

  it('leaves no timer behind', async () => {
    const client = await here.open();
    await client.disconnect();
    expect(here.clock.pending).toBe(0);
  });

  it('waits as long as the token says, for months too', async () => {
    const { open, clock } = guarded({ auth: { maxLifetime: 0 }, maxInterval: 1_000_000_000 });
    const { session } = await open({ exp: Math.floor(clock.now() / 1000) + 864_000 });
    await clock.tick(864_000_000);
    expect(session.state).not.toBe('gone');
    await clock.tick(5_000);
    expect(session.state).toBe('gone');
  });
});

describe('a fresh token', () => {
  it.each(['connect', 'subscribe', 'publish', 'unsubscribe'])('in a %s extends the session', async (kind) => {
    const { open, token, clock } = here;
    const client = await open(all);
    await clock.tick(10_000);
    const ext = { auth: { token: await token({ ...all, exp: Math.floor(clock.now() / 1000) + 3_600 }) } };
    const message =
      kind === 'publish'
        ? client.message('/a', { data: 1, ext })
        : client.message(`/meta/${kind}`, {
            ...(kind !== 'connect' && { subscription: '/a' }),
            ...(kind === 'connect' && { connectionType: 'long-polling', advice: { timeout: 0 } }),
            ext,
          });
    expect((await client.send(message)).reply).toMatchObject({ successful: true });
    for (let at = 0; at < 60; at += 1) {
      await client.connect({ advice: { timeout: 0 } });
      await clock.tick(12_000);
    }
    expect(client.session.state).not.toBe('gone');
  });

  it('of another user is refused, and the session goes on', async () => {
    const client = await here.open(all);
    const ext = { auth: { token: await here.token({ ...all, sub: 'bob' }) } };
    const { reply } = await client.send(client.message('/a', { data: 1, ext }));
    expect(reply).toMatchObject({ error: '403::user_mismatch' });
    const connected = await client.connect({ ext });
    expect(connected.reply).toMatchObject({ error: '403::user_mismatch', advice: none });
    expect((await client.publish('/a', 1)).reply).toMatchObject({ successful: true });
    expect(client.session.user?.id).toBe('ann');
  });

  it('makes no user of a session without one', async () => {
    const { server, token } = guarded({ auth: { anonymous: true } });
    const client = await FakeClient.connected(server);
    const ext = { auth: { token: await token() } };
    const { reply } = await client.send(client.message('/meta/subscribe', { subscription: '/a', ext }));
    expect(reply).toMatchObject({ error: '403::user_mismatch' });
  });

  it.each(['x.y.z', ''])('that is none (%j) fails the message, and the session goes on', async (token) => {
    const client = await here.open(all);
    const { reply } = await client.connect({ ext: { auth: { token } } });
    expect(reply).toMatchObject({ error: '401::token_invalid', advice: none });
    expect((await client.publish('/a', 1)).reply).toMatchObject({ successful: true });
  });

  it('does not count when it came by a URL', async () => {
    const client = await here.open(all);
    const ext = { auth: { token: await here.token({ ...all, jti: 'x' }) } };
    const conduit = exchange({ transport: 'callback-polling' });
    const { reply } = await client.send(client.message('/a', { data: 1, ext }), conduit);
    expect(reply).toMatchObject({ error: '401::token_missing' });
  });

  it('counts for a subscribe that a policy still thinks about', async () => {
    let allow = (_: boolean): void => {};
    const { open, token } = guarded({
      policy: {
        canSubscribe: () =>
          new Promise<boolean>((resolve) => {
            allow = resolve;
          }),
      },
    });
    const client = await open(granting({ subscribe: ['/a'] }));
    const asked = client.subscribe('/a');
    await turn();
    await client.connect({ ext: { auth: { token: await token() } }, advice: { timeout: 0 } });
    allow(true);
    expect((await asked).reply).toMatchObject({ error: '403:/a:subscribe_denied' });
    expect([...client.session.subscriptions]).toEqual([]);
  });

  it.each(['all', ['auth', 'more']] as const)(
    'in a publish reaches no subscriber: forward %j (AU-8)',
    async (forward) => {
      const { open, token } = guarded({ forward });
      const client = await open(all);
      await client.subscribe('/a');
      const ext = { auth: { token: await token(all) }, more: 1 };
      const { messages } = await client.send(client.message('/a', { data: 1, ext }));
      expect(messages).toContainEqual({ channel: '/a', data: 1, ext: { more: 1 } });
      expect(JSON.stringify(messages)).not.toContain(ext.auth.token);
    },
  );

  it('that is older shortens nothing', async () => {
    const { open, token, clock } = here;
    const client = await open(all);
    const early = await token({ ...all, exp: Math.floor(clock.now() / 1000) + 10 });
    await client.send(client.message('/a', { data: 1, ext: { auth: { token: early } } }));
    const held = await client.connect();
    await clock.tick(20_000);
    expect(held.messages).toEqual([]);
  });

  it('renews user.info', async () => {
    const { open, token } = guarded({ auth: { info: ['name'] } });
    const client = await open({ name: 'Ann' });
    await client.connect({ ext: { auth: { token: await token({ name: 'Anna' }) } }, advice: { timeout: 0 } });
    expect(client.session.user).toEqual({ id: 'ann', info: { name: 'Anna' } });
  });

  it('ends subscriptions that it no longer grants, and the client is told', async () => {
    const { open, token, server, lines } = here;
    const client = await open(granting({ subscribe: ['/a/**', '/b'] }));
    await client.subscribe(['/a/**', '/a/x', '/b']);
    const ext = { auth: { token: await token(granting({ subscribe: ['/a/x'] })) } };
    const { reply } = await client.connect({ ext });
    expect(reply).toMatchObject({ successful: true, ext: { auth: { unsubscribed: ['/a/**', '/b'] } } });
    expect([...client.session.subscriptions]).toEqual(['/a/x']);
    expect(await server.directory.members('/b')).toEqual({ value: [], complete: true });
    expect(lines.filter(({ event }) => event === 'subscription.revoked')).toHaveLength(2);
    expect((await client.subscribe('/b')).reply).toMatchObject({ error: '403:/b:subscribe_denied' });
    expect((await client.connect()).messages).toEqual([]);
  });
});

describe('the log', () => {
  it('never holds a token (AU-8)', async () => {
    const { open, token, shake, lines } = guarded({ extensions: [] });
    const [good, bad] = [await token(all), `${await token({ sub: 'bob' })}x`];
    const client = await open(all);
    for (const one of [good, bad]) {
      await client.send(client.message('/a', { data: 1, ext: { auth: { token: one } } }));
      await shake({ ext: { auth: { token: one } } });
    }
    expect(lines.length).toBeGreaterThan(2);
    for (const one of [good, bad]) expect(JSON.stringify(lines)).not.toContain(one.slice(0, 60));
  });
});

describe('a publish without a session', () => {
  const settings = { unconnectedPublish: 'allow' } as const;

  it.each([
    ['a token that grants it', all, { successful: true }],
    ['a token that does not', {}, { error: '403:/a:publish_denied' }],
    ['no token', undefined, { error: '401::token_missing' }],
  ])('with %s', async (_, claims, expected) => {
    const { server, token } = guarded(settings);
    const headers = claims && { authorization: `Bearer ${await token(claims)}` };
    const conduit = await ask(server, { channel: '/a', data: 1, id: '1' }, exchange(headers && { headers }));
    expect(conduit.reply).toMatchObject(expected);
  });

  it('may do what everybody may, where clients without a token are taken', async () => {
    const { server } = guarded({
      ...settings,
      auth: { anonymous: true },
      channels: { '/a': { grants: { publish: 'everybody' } } },
    });
    const reply = async (channel: string) => (await ask(server, { channel, data: 1, id: '1' })).reply;
    expect(await reply('/a')).toMatchObject({ successful: true });
    expect(await reply('/b')).toMatchObject({ error: '403:/b:publish_denied' });
  });
});
