import { describe, expect, it } from 'vitest';
import { BayeuxError } from '../../src/protocol/errors.ts';
import type { Policy, PolicyRequest } from '../../src/ports/policy.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { settle, until } from '../support/until.ts';

/** Lets in who has the token, and to its own channels. */
const policy: Policy = {
  canHandshake: ({ message }) => message.ext?.token === 'secret' && { allow: true, user: 'ann' },
  canSubscribe: ({ session, channel }) => channel === `/users/${session?.user?.id}`,
  canPublish: ({ session, channel }) =>
    channel === `/users/${session?.user?.id}` || channel === '/service/sum',
};
const judged = { judged: true, ext: { token: 'secret' } };

describe('a session in this process that is judged', () => {
  it('is opened as the policy answers', async () => {
    const { server } = serve({ policy });
    const local = await server.localSession(judged);
    expect([local.session.user?.id, local.session.transport]).toEqual(['ann', 'in-process']);
    expect(await server.directory.sessionsOf('ann')).toEqual([local.id]);
    await expect(server.localSession({ judged: true })).rejects.toMatchObject({
      name: 'BayeuxError',
      text: '403::handshake_denied',
    });
  });

  it.each([
    [{ allow: false, error: '401:x:who_are_you' } as const, '401:x:who_are_you'],
    ['busy' as const, '503::no_room'],
    [false, '403::handshake_denied'],
  ])('is refused with the error that a client would get: %j', async (answer, text) => {
    const { server } = serve({ policy: { canHandshake: () => answer } });
    await expect(server.localSession({ judged: true })).rejects.toMatchObject({ name: 'BayeuxError', text });
    expect(server.usage.sessions).toBe(0);
  });

  it('is refused subscribes and publishes, and nothing comes of them', async () => {
    const { server } = serve({ policy });
    const local = await server.localSession(judged);
    const heard: unknown[] = [];
    await local.subscribe('/users/ann', ({ data }) => heard.push(data));
    await expect(local.subscribe('/users/bob', ({ data }) => heard.push(data))).rejects.toMatchObject({
      name: 'BayeuxError',
      text: '403:/users/bob:subscribe_denied',
    });
    await expect(local.publish('/users/bob', 1)).rejects.toMatchObject({
      text: '403:/users/bob:publish_denied',
    });
    await local.publish('/users/ann', 2);
    await server.publish('/users/bob', 3);
    await settle();
    expect([heard, [...local.session.subscriptions]]).toEqual([[2], ['/users/ann']]);
  });

  it('is refused a remote call, or answered', async () => {
    const { server } = serve({ policy });
    const callers: unknown[] = [];
    const open: Policy = { ...policy, canSubscribe: () => true };
    const served = serve({ policy: open }).server;
    for (const one of [server, served])
      one.onCall('/service/*', ({ session, data }) => {
        callers.push(session?.user?.id);
        return [data];
      });
    const local = await served.localSession(judged);
    const results: unknown[] = [];
    await local.subscribe('/service/sum', ({ data }) => results.push(data));
    await local.publish('/service/sum', 1);
    await until(() => results.length > 0);
    await expect((await server.localSession(judged)).publish('/service/other', 1)).rejects.toMatchObject({
      text: '403:/service/other:publish_denied',
    });
    expect([results, callers]).toEqual([[[1]], ['ann']]);
  });

  it('is asked about as a remote one is', async () => {
    const asked: [string, string, string | undefined, unknown][] = [];
    const ask =
      (name: string) =>
      ({ channel, session, message }: PolicyRequest) => {
        asked.push([name, channel, session?.user?.id, message.kind === 'publish' && message.data]);
        return true;
      };
    const { server } = serve({
      policy: { canHandshake: ask('handshake'), canSubscribe: ask('subscribe'), canPublish: ask('publish') },
    });
    const remote = await FakeClient.open(server);
    await remote.subscribe('/a/*');
    await remote.publish('/a/b', { x: 1 });
    const ofRemote = asked.splice(0);
    const local = await server.localSession({ judged: true });
    await local.subscribe('/a/*', () => {});
    await local.publish('/a/b', { x: 1 });
    await local.disconnect();
    expect(asked).toEqual(ofRemote);
    expect(asked).toHaveLength(3);
  });

  it('is told what a policy throws for clients, and of a failure nothing but that', async () => {
    const { server } = serve({
      policy: {
        canSubscribe: () => {
          throw new BayeuxError(429, [], 'rate_limited');
        },
        canPublish: () => Promise.reject(new Error('no database')),
      },
    });
    const local = await server.localSession({ judged: true });
    await expect(local.subscribe('/a', () => {})).rejects.toMatchObject({ text: '429::rate_limited' });
    await expect(local.publish('/a', 1)).rejects.toMatchObject({ text: '500::server_error' });
  });

  it('is asked about again where sessions are, and ended when it is no longer allowed', async () => {
    let allowed = true;
    const { server, clock } = serve({
      revalidateEvery: 1000,
      policy: { canHandshake: ({ message }) => allowed && message.ext?.token === 'secret' },
    });
    const local = await server.localSession(judged);
    const trusted = await server.localSession();
    await clock.tick(2000);
    expect(local.session.state).toBe('new');
    allowed = false;
    await clock.tick(2000);
    expect([local.session.state, trusted.session.state]).toEqual(['gone', 'new']);
    await expect(local.publish('/a', 1)).rejects.toMatchObject({ code: 'session_unknown' });
  });
});

describe('a session in this process', () => {
  it('is given a user, whether it is judged or not, and whatever the policy says', async () => {
    const { server } = serve({ policy });
    const sessions = [
      await server.localSession({ user: 'bob' }),
      await server.localSession({ ...judged, user: 'bob' }),
    ];
    expect(sessions.map(({ session }) => session.user?.id)).toEqual(['bob', 'bob']);
    expect([...(await server.directory.sessionsOf('bob'))].sort()).toEqual(
      sessions.map(({ id }) => id).sort(),
    );
    await sessions[1]?.subscribe('/users/bob', () => {});
  });

  it('is given attributes, of which it keeps a copy', async () => {
    const { server } = serve({
      policy: { canPublish: ({ session }) => session?.attributes.role === 'admin' },
    });
    const attributes = { role: 'admin', teams: ['a'] };
    const [admin, other] = [
      await server.localSession({ judged: true, attributes }),
      await server.localSession({ judged: true, attributes: { role: 'guest' } }),
    ];
    attributes.teams.push('b');
    expect(admin.session.attributes).toEqual({ role: 'admin', teams: ['a'] });
    await admin.publish('/a', 1);
    await expect(other.publish('/a', 1)).rejects.toMatchObject({ code: 'publish_denied' });
  });

  it('shows extensions the ext of its handshake', async () => {
    const seen: unknown[] = [];
    const { server } = serve({
      extensions: [{ name: 'look', opened: (_session, { ext }) => void seen.push(ext) }],
    });
    await server.localSession({ ext: { a: 1 } });
    await server.localSession();
    expect(seen).toEqual([{ a: 1 }, undefined]);
  });

  it.each([
    [{ judge: true }, 'an in-process session has "judge", which nothing looks for; did you mean "judged"?'],
    [
      { user: 1 },
      "user of an in-process session must be an id or { id, info }, got 1: write server.localSession({ user: 'ann' })",
    ],
    [{ judged: 'yes' }, 'judged of an in-process session must be true or false, got "yes"'],
    [{ ext: 'token' }, 'ext of an in-process session must be an object, got "token"'],
    [{ attributes: [1] }, 'attributes of an in-process session must be an object, got [1]'],
    [{ attributes: { n: 1n } }, 'attributes must be a value JSON can carry'],
    ['ann', 'an in-process session must be an object, got "ann"'],
  ])('is not opened with settings that are none: %o', async (settings, message) => {
    const { server } = serve();
    await expect(Reflect.apply(server.localSession, server, [settings])).rejects.toMatchObject({
      name: 'UsageError',
      message,
    });
    expect(server.usage.sessions).toBe(0);
  });
});
