import { describe, expect, it } from 'vitest';
import type { MaybePromise } from '../../src/lib/maybe-promise.ts';
import type { HandshakeAnswer, Policy, PolicyRequest } from '../../src/ports/policy.ts';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { thenable } from '../support/thenable.ts';
import { settle } from '../support/until.ts';

function asking(answer: (question: PolicyRequest) => boolean | Promise<boolean> = () => true) {
  const asked: [string, string, PolicyRequest][] = [];
  const ask = (name: string) => (question: PolicyRequest) => {
    asked.push([name, question.channel, question]);
    return answer(question);
  };
  const policy: Policy = {
    canHandshake: ask('handshake'),
    canSubscribe: ask('subscribe'),
    canPublish: ask('publish'),
  };
  return { policy, asked, names: () => asked.map(([name, channel]) => [name, channel]) };
}

describe('a policy', () => {
  it('is asked about every message and every alias, and nothing is remembered (SEC-12, SEC-13)', async () => {
    const { policy, names } = asking();
    const { server } = serve({ policy });
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    await client.subscribe('/a');
    await client.subscribe(['/b', '/**', '/service/x']);
    await client.publish('/a', 1);
    await client.publish('/a', 1);
    await client.publish('/service/x', 1);
    await client.unsubscribe('/a');
    await client.connect();
    expect(names()).toEqual([
      ['handshake', '/meta/handshake'],
      ['subscribe', '/a'],
      ['subscribe', '/a'],
      ['subscribe', '/b'],
      ['subscribe', '/**'],
      ['subscribe', '/service/x'],
      ['publish', '/a'],
      ['publish', '/a'],
      ['publish', '/service/x'],
    ]);
  });

  it('is not asked what the protocol refuses anyway', async () => {
    const { policy, names } = asking();
    const { server } = serve({ policy });
    const client = await FakeClient.open(server);
    await client.subscribe('/meta/connect');
    await client.subscribe('/a/');
    await client.subscribe(['/a', '/b/']);
    await client.publish('/meta/x', 1);
    await client.publish('/a/*', 1);
    await client.send(client.message('/a'));
    expect(names()).toEqual([['handshake', '/meta/handshake']]);
  });

  it('is asked with plain values that it cannot change (HS-17)', async () => {
    const { policy, asked } = asking();
    const { server } = serve({ policy });
    const client = await FakeClient.open(server, exchange(), {
      'com.acme.credentials': { user: 'ann' },
      ext: { token: 't' },
    });
    await client.subscribe('/a');
    const [[, , opening] = [], [, , subscribing] = []] = asked;
    expect(opening?.session).toBeUndefined();
    expect(opening?.message).toMatchObject({
      kind: 'handshake',
      ext: { token: 't' },
      extra: { 'com.acme.credentials': { user: 'ann' } },
    });
    expect(subscribing?.session).toBe(client.session);
    expect(subscribing?.request).toEqual({
      transport: 'long-polling',
      address: '',
      headers: {},
      cookies: {},
      url: '/bayeux',
    });
    expect([opening, subscribing, subscribing?.request].every((value) => Object.isFrozen(value))).toBe(true);
    const { session, channel, message, request, signal } = subscribing ?? {};
    expect([session, channel, message?.kind, request?.transport, signal?.aborted]).toEqual([
      client.session,
      '/a',
      'subscribe',
      'long-polling',
      false,
    ]);
  });

  it('keeps its `this`', async () => {
    class Keyed implements Policy {
      readonly #key = '/a';
      canPublish({ channel }: PolicyRequest): boolean {
        return channel === this.#key;
      }
    }
    const { server } = serve({ policy: new Keyed() });
    const client = await FakeClient.open(server);
    expect((await client.publish('/a', 1)).reply).toMatchObject({ successful: true });
    expect((await client.publish('/b', 1)).reply).toMatchObject({ error: '403:/b:publish_denied' });
  });

  it('may answer with a promise of another make', async () => {
    const { policy } = asking(({ channel }) => thenable(channel !== '/b'));
    const { server } = serve({ policy });
    const client = await FakeClient.open(server);
    expect((await client.publish('/a', 1)).reply).toMatchObject({ successful: true });
    expect((await client.publish('/b', 1)).reply).toMatchObject({ error: '403:/b:publish_denied' });
    expect((await client.subscribe('/b')).reply).toMatchObject({ error: '403:/b:subscribe_denied' });
  });

  it('that does not answer in time is given up: the message fails, and its signal aborts (hookTimeout)', async () => {
    const { policy, asked } = asking(({ channel }) =>
      channel === '/slow' ? new Promise<boolean>(() => {}) : true,
    );
    const { server, clock } = serve({ policy, hookTimeout: 100 });
    const client = await FakeClient.connected(server);
    const pending = clock.pending;
    const conduits = [exchange(), exchange()];
    const first = client.subscribe('/slow', conduits[0]);
    await settle();
    const signal = asked.at(-1)?.[2].signal;
    const second = client.publish('/fast', 1, conduits[1]);
    await clock.tick(99);
    expect([signal?.aborted, conduits.map(({ replies }) => replies.length)]).toEqual([false, [0, 0]]);
    await clock.tick(1);
    expect(signal?.aborted).toBe(true);
    expect((await first).reply).toMatchObject({ error: '500::server_error' });
    expect((await second).reply).toMatchObject({ successful: true });
    expect(clock.pending).toBe(pending);
  });

  it('whose answer comes in time leaves no timer', async () => {
    const { policy } = asking(() => Promise.resolve(true));
    const { server, clock } = serve({ policy });
    const client = await FakeClient.open(server);
    await client.publish('/a', 1);
    await settle();
    expect(clock.pending).toBe(1);
    await client.disconnect();
    expect(clock.pending).toBe(0);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
  ])('that %s fails the message, and says no more (PR-8)', async (_how, canPublish) => {
    const logged: unknown[] = [];
    const { server } = serve({ policy: { canPublish }, log: (event) => logged.push(event.event) });
    const client = await FakeClient.open(server);
    const { reply } = await client.send(client.message('/a', { id: 'p', data: 1 }));
    expect(reply).toEqual({ id: 'p', channel: '/a', successful: false, error: '500::server_error' });
    expect(logged).toContain('policy.failed');
  });
});

describe('revalidation (SEC-6)', () => {
  const every = 1000;
  const fields = { ext: { token: 't' }, credentials: { user: 'ann' } };

  /** A server whose policy can be told to change its mind, and who was asked about again. */
  function changing(settings: ServerSettings = {}) {
    const mind: { answer: () => MaybePromise<HandshakeAnswer>; patterns: (pattern: string) => boolean } = {
      answer: () => true,
      patterns: () => true,
    };
    const again: PolicyRequest[] = [];
    const said: string[] = [];
    const { server, clock } = serve({
      revalidateEvery: every,
      log: ({ event, pattern }) => void said.push(pattern === undefined ? event : `${event} ${pattern}`),
      policy: {
        canHandshake(question) {
          if (question.session === undefined) return true;
          again.push(question);
          return mind.answer();
        },
        canSubscribe: ({ channel }) => mind.patterns(channel),
      },
      ...settings,
    });
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    return { server, clock, mind, again, said, reasons };
  }

  it.each([
    ['a socket', () => socket()],
    ['a held poll', () => exchange()],
  ] as const)('asks again about a session on %s, and ends it when the answer is no', async (_what, make) => {
    const { server, clock, mind, again, said, reasons } = changing();
    const wire = make();
    const client = await FakeClient.connected(server, wire.shape === 'socket' ? wire : undefined, fields);
    await client.connect({}, wire);
    await clock.tick(every);
    expect(again.map(({ session }) => session)).toEqual([client.session]);
    mind.answer = () => false;
    await clock.tick(every);
    expect([reasons, said.includes('session.revoked')]).toEqual([['revoked'], true]);
    expect(wire.replies.slice(-2)).toMatchObject([
      { channel: '/meta/disconnect' },
      { error: '410::session_disconnected', advice: { reconnect: 'none' } },
    ]);
    await server.close();
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['at once', <T>(value: T): MaybePromise<T> => value],
    ['by a promise', <T>(value: T): MaybePromise<T> => Promise.resolve(value)],
  ] as const)('asks with the next connect of a session that nothing serves: %s', async (_how, given) => {
    const { server, clock, mind, again, reasons } = changing();
    const client = await FakeClient.connected(server);
    await clock.tick(every - 1);
    await client.connect({ advice: { timeout: 0 } });
    expect(again).toHaveLength(0);
    await clock.tick(1);
    mind.answer = () => given(true);
    expect((await client.connect({ advice: { timeout: 0 } })).reply).toMatchObject({ successful: true });
    expect(again).toHaveLength(1);
    await client.connect({ advice: { timeout: 0 } });
    expect(again).toHaveLength(1);
    mind.answer = () => given({ allow: false });
    await clock.tick(every);
    expect((await client.connect()).reply).toMatchObject({
      error: '410::session_disconnected',
      advice: { reconnect: 'none' },
    });
    expect(reasons).toEqual(['revoked']);
    await server.close();
  });

  it('lets no second connect pass while the policy thinks about the first', async () => {
    const { server, clock, mind, reasons } = changing();
    const client = await FakeClient.connected(server);
    await clock.tick(every);
    mind.answer = () => new Promise((resolve) => void clock.after(100, () => resolve(false)));
    const both = [client.connect(), client.connect({ advice: { timeout: 0 } })];
    await clock.tick(100);
    for (const { reply } of await Promise.all(both)) expect(reply).toMatchObject({ successful: false });
    expect(reasons).toEqual(['revoked']);
    await server.close();
  });

  it('asks with what it keeps of the handshake, and with the request that serves the session now', async () => {
    const { server, clock, again, said } = changing();
    const wire = socket();
    const client = await FakeClient.connected(server, wire, fields);
    await clock.tick(every);
    expect(again[0]?.message).toEqual({
      kind: 'handshake',
      channel: '/meta/handshake',
      ext: fields.ext,
      extra: { credentials: fields.credentials },
    });
    expect([again[0]?.request, again[0]?.session]).toEqual([wire.request, client.session]);
    const large = await FakeClient.connected(server, socket(), { ext: { token: 'x'.repeat(8192) } });
    expect(said).toContain('revalidation.not_kept');
    await clock.tick(every);
    const asked = again.find(({ session }) => session === large.session);
    expect(asked?.message).toEqual({ kind: 'handshake', channel: '/meta/handshake' });
    await server.close();
  });

  it('drops the subscriptions that are no longer allowed, and says so', async () => {
    const { server, clock, mind, said } = changing();
    const client = await FakeClient.connected(server, socket());
    await client.subscribe(['/a', '/b']);
    const dropped: string[] = [];
    server.on('channel.unsubscribed', ({ pattern }) => dropped.push(pattern));
    mind.patterns = (pattern) => pattern !== '/b';
    await clock.tick(every);
    expect([...client.session.subscriptions]).toEqual(['/a']);
    expect([dropped, said.includes('subscription.revoked /b')]).toEqual([['/b'], true]);
    await server.close();
  });

  const failures: [string, () => MaybePromise<HandshakeAnswer>][] = [
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['never answers', () => new Promise(() => {})],
  ];

  it.each(failures)('has a client shake hands again when the policy %s', async (_how, answer) => {
    const { server, clock, mind, reasons, said } = changing({ hookTimeout: 100 });
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({}, wire);
    mind.answer = answer;
    await clock.tick(every + 100);
    expect([reasons, said.includes('session.unverified')]).toEqual([['unverified'], true]);
    expect(wire.replies.at(-1)).toMatchObject({
      error: '402::session_unknown',
      advice: { reconnect: 'handshake' },
    });
    const other = await FakeClient.connected(server);
    await clock.tick(every);
    const late = other.connect();
    await clock.tick(100);
    expect((await late).reply).toMatchObject({
      error: '402::session_unknown',
      advice: { reconnect: 'handshake' },
    });
    await server.close();
  });

  it.each(failures)(
    "ends nobody when the policy %s, with revalidateFailure: 'keep'",
    async (_how, answer) => {
      const { server, clock, mind, reasons, said } = changing({
        hookTimeout: 100,
        revalidateFailure: 'keep',
      });
      const client = await FakeClient.connected(server, socket());
      mind.answer = answer;
      await clock.tick(every + 100);
      expect([reasons, client.session.state, said.includes('policy.failed')]).toEqual([[], 'idle', true]);
      await server.close();
    },
  );

  it("takes 'busy' for no reason to end a session", async () => {
    const { server, clock, mind, reasons } = changing();
    await FakeClient.connected(server, socket());
    mind.answer = () => 'busy';
    await clock.tick(every);
    expect(reasons).toEqual([]);
    await server.close();
  });
});
