import { describe, expect, it } from 'vitest';
import type { Policy, Question } from '../../src/core/policy.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { thenable } from '../support/thenable.ts';
import { settle } from '../support/until.ts';

function asking(answer: (question: Question) => boolean | Promise<boolean> = () => true) {
  const asked: [string, string, Question][] = [];
  const ask = (name: string) => (question: Question) => {
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
      canPublish({ channel }: Question): boolean {
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
  it('asks again about sessions on live sockets, and ends those that may no longer be', async () => {
    let allowed = true;
    const asked: unknown[] = [];
    const { server, clock } = serve({
      revalidateEvery: 1000,
      policy: {
        canHandshake: ({ session }) => {
          asked.push(session?.id);
          return allowed;
        },
      },
    });
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({}, wire);
    await FakeClient.connected(server);
    await clock.tick(1000);
    expect(asked).toEqual([undefined, undefined, client.session.id]);
    allowed = false;
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    await clock.tick(1000);
    expect(reasons).toEqual(['revoked']);
    expect(wire.replies.slice(-2)).toMatchObject([
      { channel: '/meta/disconnect' },
      { error: '410::session_disconnected' },
    ]);
    await server.close();
    expect(clock.pending).toBe(0);
  });

  it('ends nobody because the answer cannot be had', async () => {
    let fail = false;
    const { server, clock } = serve({
      revalidateEvery: 1000,
      policy: { canHandshake: () => (fail ? Promise.reject(new Error('down')) : true) },
    });
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    fail = true;
    await clock.tick(1000);
    expect(client.session.state).toBe('idle');
    await server.close();
  });
});
