import { describe, expect, it } from 'vitest';
import { type Policy, UsageError } from '../../src/index.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, socket, type Wire } from '../support/fake-conduit.ts';
import { all, type Guarded, guarded } from './tokens.ts';

const none = { reconnect: 'none' };
const revoked = { successful: false, error: '401::token_revoked', advice: none };
const gone = { successful: false, error: '410::session_disconnected', advice: none };

/** Seconds since the epoch. */
const seconds = ({ clock }: Guarded) => Math.floor(clock.now() / 1000);

const shakeWith = async ({ shake }: Guarded, token: string): Promise<Wire> =>
  shake({ ext: { auth: { token } } });

describe('server.revoke of what a token proves', () => {
  type Target = (id: string) => Parameters<Guarded['server']['revoke']>[0];

  it.each<[string, Target, Wire]>([
    ['a user', () => ({ user: 'ann' }), { jti: 't1' }],
    ['a user whose token has no id', () => ({ user: 'ann' }), {}],
    ['a token', () => ({ tokenId: 't1' }), { jti: 't1' }],
    ['a session', (session) => ({ session }), { jti: 't1' }],
    ['a session whose token has no id', (session) => ({ session }), {}],
  ])('ends the sessions of %s at once, and refuses the token from then on', async (_, target, claims) => {
    const here = guarded();
    const token = await here.token(claims);
    const ext = { auth: { token } };
    const client = await FakeClient.connected(here.server, exchange(), { ext });
    const twin = await FakeClient.connected(here.server, exchange(), { ext });
    const other = await here.open({ sub: 'bob', jti: 't2' });
    const reasons: string[] = [];
    here.server.on('session.closed', ({ reason }) => reasons.push(reason));
    const held = await client.connect();

    expect(await here.server.revoke(target(client.session.id))).toEqual({ sessions: 2 });
    expect(held.messages).toMatchObject([
      { channel: '/meta/disconnect', successful: true },
      { channel: '/meta/connect', ...revoked },
    ]);
    expect(reasons).toEqual(['revoked', 'revoked']);
    expect((await client.publish('/a', 1)).reply).toMatchObject({ error: '402::session_unknown' });
    expect((await twin.connect()).reply).toMatchObject({ error: '402::session_unknown' });
    expect(await shakeWith(here, token)).toMatchObject(revoked);
    expect(other.session.state).not.toBe('gone');
    expect(here.lines).toContainEqual(expect.objectContaining({ event: 'revoked', sessions: 2 }));
    expect(here.lines).toContainEqual(
      expect.objectContaining({ event: 'auth.refused', why: 'it is revoked' }),
    );
  });

  it('tells a socket', async () => {
    const here = guarded();
    const line = socket();
    await here.open({}, line);
    await here.server.revoke({ user: 'ann' });
    expect(line.messages.slice(2)).toEqual([{ channel: '/meta/disconnect', successful: true }]);
    expect(line.ends).toEqual(['disconnected']);
  });

  it.each([
    ['issued before', { iat: -10 }, revoked],
    ['issued in the same second', { iat: 0 }, revoked],
    ['issued a second later', { iat: 1 }, { successful: true }],
    ['that does not say when it was issued', { iat: undefined }, revoked],
    ['of another user', { iat: -10, sub: 'bob' }, { successful: true }],
  ])('of a user: a handshake with a token %s', async (_, { iat, ...claims }, expected) => {
    const here = guarded();
    const issued = iat === undefined ? undefined : seconds(here) + iat;
    const token = await here.token({ ...claims, iat: issued });
    await here.clock.tick(500);
    await here.server.revoke({ user: 'ann' });
    await here.clock.tick(1000);
    expect(await shakeWith(here, token)).toMatchObject(expected);
  });

  it.each([
    ['the id that is revoked', { jti: 't1' }, { tokenId: 't1' }],
    ['a user that is revoked', { iat: 1, exp: 700 }, { user: 'ann' }],
  ])('refuses a fresh token with %s, and the session goes on', async (_, claims, target) => {
    const here = guarded();
    const now = seconds(here);
    await here.clock.tick(5_000);
    await here.server.revoke(target);
    await here.clock.tick(1_000);
    const client = await here.open(all);
    const times = 'iat' in claims ? { iat: now + claims.iat, exp: now + claims.exp } : claims;
    const ext = { auth: { token: await here.token({ ...all, ...times }) } };
    expect((await client.connect({ ext })).reply).toMatchObject(revoked);
    expect((await client.publish('/a', 1)).reply).toMatchObject({ successful: true });
  });

  it('refuses a publish without a session', async () => {
    const here = guarded({ unconnectedPublish: 'allow' });
    const headers = { authorization: `Bearer ${await here.token(all)}` };
    const publish = async () =>
      (await ask(here.server, { channel: '/a', data: 1, id: '1' }, exchange({ headers }))).reply;
    expect(await publish()).toMatchObject({ successful: true });
    await here.server.revoke({ user: 'ann' });
    expect(await publish()).toMatchObject({ error: '401::token_revoked' });
  });

  it('of an id ends the session that has it now, not one that had it before', async () => {
    const here = guarded();
    const client = await here.open({ ...all, jti: 't1' });
    const ext = { auth: { token: await here.token({ ...all, jti: 't2', exp: seconds(here) + 700 }) } };
    await client.connect({ ext, advice: { timeout: 0 } });
    expect(await here.server.revoke({ tokenId: 't1' })).toEqual({ sessions: 0 });
    expect(await here.server.revoke({ tokenId: 't2' })).toEqual({ sessions: 1 });
  });

  it('ends a session whose user the policy replaced, by either name', async () => {
    const policy: Policy = { canHandshake: () => ({ allow: true, user: 'tenant/ann' }) };
    const here = guarded({ policy });
    await here.open();
    expect(await here.server.revoke({ user: 'ann' })).toEqual({ sessions: 1 });
    await here.clock.tick(1000);
    await here.open();
    expect(await here.server.revoke({ user: 'tenant/ann' })).toEqual({ sessions: 1 });
    expect([...here.server.sessions]).toEqual([]);
  });

  it('while the policy decides about a handshake ends the session that it opens', async () => {
    let allow = (_: boolean): void => {};
    const canHandshake = () =>
      new Promise<boolean>((resolve) => {
        allow = resolve;
      });
    const here = guarded({ policy: { canHandshake } });
    const asked = shakeWith(here, await here.token());
    await expect.poll(() => allow.name).not.toBe('allow');
    expect(await here.server.revoke({ user: 'ann' })).toEqual({ sessions: 0 });
    allow(true);
    await asked;
    expect([...here.server.sessions]).toEqual([]);
  });

  it('ends with the last token that it concerns', async () => {
    const here = guarded({ auth: { maxLifetime: 60_000, clockTolerance: 0 } });
    await here.server.revoke({ user: 'ann' });
    await here.clock.tick(59_000);
    const early = await here.token({ iat: undefined, exp: seconds(here) + 60 });
    expect(await shakeWith(here, early)).toMatchObject(revoked);
    await here.clock.tick(1_000);
    expect(await shakeWith(here, early)).toMatchObject({ successful: true });
  });

  it('keeps nothing of sessions that have ended', async () => {
    const here = guarded();
    const client = await here.open({ jti: 't1' });
    await client.disconnect();
    expect(await here.server.revoke({ user: 'ann' })).toEqual({ sessions: 0 });
    expect(await here.server.revoke({ session: client.session.id })).toEqual({ sessions: 0 });
    expect(here.clock.pending).toBe(0);
  });

  it('that does not fit into the list ends sessions, fails, and is logged', async () => {
    const here = guarded({ auth: { revocations: { maxEntries: 1 } } });
    const { server, lines } = here;
    const [first, second] = [await here.open({ jti: 't1' }), await here.open({ jti: 't2' })];
    await server.revoke({ tokenId: 't1' });
    const why = 'the list of revoked users and tokens is full: auth.revocations.maxEntries is 1; raise it';
    await expect(server.revoke({ tokenId: 't2' })).rejects.toThrow(why);
    expect([first.session.state, second.session.state]).toEqual(['gone', 'gone']);
    expect(lines.filter(({ event }) => event === 'auth.revocations_full')).toMatchObject([
      { level: 'warn', option: 'auth.revocations', why: expect.stringContaining(why), count: 1 },
    ]);
    expect(await shakeWith(here, await here.token({ jti: 't1' }))).toMatchObject(revoked);
  });

  it.each([
    ['ends with it', {}, true],
    ['lasts, since other tokens may have its id', { jti: 't1' }, false],
  ])('of a token that may live for any time %s', async (_, claims, hasRoom) => {
    const here = guarded({ auth: { maxLifetime: 0, revocations: { maxEntries: 1 } } });
    await here.server.revoke({ session: (await here.open(claims)).session.id });
    await here.clock.tick(605_000);
    const again = here.server.revoke({ session: (await here.open({ jti: 't2' })).session.id });
    const ended = await again.then(() => true).catch(() => false);
    expect(ended).toBe(hasRoom);
  });

  it('with anonymous sessions ends one by its id as the application would', async () => {
    const here = guarded({ auth: { anonymous: true } });
    const client = await FakeClient.connected(here.server);
    const held = await client.connect();
    expect(await here.server.revoke({ session: client.session.id })).toEqual({ sessions: 1 });
    expect(held.messages.at(-1)).toMatchObject(gone);
    expect(await here.shake()).toMatchObject({ successful: true });
  });
});

describe('server.revoke without authentication', () => {
  const policy: Policy = {
    canHandshake: ({ message }) => ({ allow: true, user: String(message.ext?.user) }),
  };

  it('ends one session', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const other = await FakeClient.connected(server);
    const held = await client.connect();
    expect(await server.revoke({ session: client.session.id })).toEqual({ sessions: 1 });
    expect(held.messages.at(-1)).toMatchObject(gone);
    expect(other.session.state).not.toBe('gone');
    expect(await server.revoke({ session: client.session.id })).toEqual({ sessions: 0 });
  });

  it('ends the sessions of a user that the policy named, in-process ones too', async () => {
    const { server } = serve({ policy });
    for (const user of ['ann', 'ann', 'bob']) await ask(server, handshake({ ext: { user } }));
    await server.localSession({ user: 'ann' });
    expect(await server.revoke({ user: 'ann' })).toEqual({ sessions: 3 });
    expect(Array.from(server.sessions, ({ user }) => user?.id)).toEqual(['bob']);
  });

  it.each([
    [undefined, 'one user, token or session is revoked at a time, got undefined:'],
    ['ann', 'one user, token or session is revoked at a time, got "ann":'],
    [{}, 'one user, token or session is revoked at a time, got {}:'],
    [{ usr: 'ann' }, 'one user, token or session is revoked at a time, got'],
    [{ user: 'ann', session: 's' }, 'one user, token or session is revoked at a time, got'],
    [{ user: 7 }, 'the user to revoke is a text, got 7:'],
    [{ session: '' }, 'the session to revoke is a text, got "":'],
    [{ tokenId: 't' }, 'this server checks no tokens, so it cannot revoke one: see docs/authentication.md'],
  ])('refuses %j', async (target, sentence) => {
    const { server } = serve();
    const failure: unknown = await server.revoke(target as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toContain(sentence);
  });
});
