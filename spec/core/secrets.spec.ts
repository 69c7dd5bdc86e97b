import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { PolicyRequest } from '../../src/ports/policy.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

describe('the clientId (HS-16, SEC-2)', () => {
  it('is in no log, no event to others, no error and no answer of the directory', async () => {
    const said: unknown[] = [];
    const { server } = serve({
      forward: 'all',
      log: (event) => said.push(event),
      policy: {
        canPublish: ({ channel }) => {
          if (channel === '/bug') throw new Error('bug');
          return channel !== '/vip';
        },
        canHandshake: () => ({ allow: true, user: 'ann' }),
      },
    });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await bob.subscribe('/**');
    const held = await bob.connect();
    const { clientId } = ann;
    const failures = [
      await ann.publish('/bug', 1),
      await ann.publish('/vip', 1),
      await ann.publish(`/${clientId}/*`, 1),
      await ann.send(ann.message('/a', { id: {} })),
      await ann.send(ann.message('/a')),
    ];
    await ann.send(ann.message('/a', { data: 1, ext: { clientId, token: 1 } }));
    await bob.flushed();
    expect(held.data).toEqual([1]);
    const directory = [
      await server.directory.sessionsOf('ann'),
      await server.directory.members('/a'),
      await server.directory.count(),
    ];
    ann.session.disconnect();
    const after = await ann.publish('/a', 1);
    const echoed = failures.filter((conduit) => !JSON.stringify(conduit.messages).includes(`/${clientId}/*`));
    const everything = JSON.stringify([
      said,
      held.messages,
      echoed.map(({ messages }) => messages),
      directory,
      after.messages,
    ]);
    expect(everything).toContain(ann.session.id);
    expect(everything).not.toContain(clientId);
  });

  it('of another is not in what a session may learn by any reply', async () => {
    const { server } = serve();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const { messages } = await ask(server, [
      ann.message('/a', { data: 1 }),
      bob.message('/meta/subscribe', { subscription: '/b' }),
    ]);
    expect(JSON.stringify(messages)).not.toContain(ann.clientId);
  });
});

describe('the public id', () => {
  it('finds the session for the application, and speaks for it nowhere', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const { id } = client.session;
    expect(server.session(id)).toBe(client.session);
    expect(server.session(client.clientId)).toBeUndefined();
    for (const conduit of [exchange(), socket()]) {
      for (const channel of ['/meta/connect', '/meta/subscribe', '/meta/disconnect', '/a']) {
        const message = { channel, clientId: id, subscription: '/a', data: 1 };
        expect(
          (await ask(server, message, conduit.shape === 'socket' ? conduit : exchange())).replies.at(-1),
        ).toMatchObject({
          error: '402::session_unknown',
        });
      }
    }
  });
});

describe('what an application is given (HS-16)', () => {
  /** All that printing or storing a value may show, as deep as it goes. */
  const shownOf = (value: unknown): string =>
    [
      inspect(value, { depth: null, showHidden: true }),
      inspect(value, { depth: null, getters: true }),
      json(value),
    ].join();
  const json = (value: unknown): string => {
    const seen = new Set<unknown>();
    return String(
      JSON.stringify(value, (_key, one: unknown) => {
        if (typeof one === 'object' && seen.has(one)) return undefined;
        seen.add(one);
        return one;
      }),
    );
  };

  it('shows the clientId of nobody: sessions, conduits, events, questions and messages', async () => {
    const given: unknown[] = [];
    const keep = (value: unknown): void => void given.push(value);
    const yes = (question: PolicyRequest): boolean => {
      given.push(question, question.message, question.request, question.session);
      return true;
    };
    const { server } = serve({
      maxQueue: 2,
      redelivery: 'resend',
      revalidateEvery: 1000,
      queueOverflow: (overflow) => {
        given.push(overflow);
        return 'dropOldest';
      },
      channels: { '/d': { history: true } },
      policy: { canHandshake: yes, canPublish: yes, canSubscribe: yes },
    });
    const names = [
      'session.opened',
      'session.closed',
      'channel.subscribed',
      'published',
      'overflow',
    ] as const;
    for (const name of names) server.on(name, keep);
    server.subscribe('/**', keep);
    const wire = socket();
    const clients = [
      await FakeClient.connected(server, wire, { ext: { replay: true, replayTighten: true } }),
      await FakeClient.connected(server, exchange({ browser: 'b0123456' }), {
        supportedConnectionTypes: ['websocket', 'long-polling', 'eventsource'],
      }),
    ];
    const local = await server.localSession();
    for (const client of clients) {
      await client.subscribe(['/a', '/d']);
      await client.publish('/a', 1);
      await client.connect({}, client === clients[0] ? wire : exchange({ browser: 'b0123456' }));
      for (const data of [1, 2, 3]) client.session.deliver('/a', data);
      const { session } = client;
      given.push(session, session.outbox, session.tasks, ...session.features.all);
    }
    await server.publish('/d', 1);
    given.push(local, local.session, server, server.directory);
    clients[0]?.session.disconnect();
    expect(given.length).toBeGreaterThan(40);
    const shown = given.map(shownOf).join('\n');
    const secrets = [...clients.map(({ clientId }) => clientId), local.session.clientId, 'b0123456'];
    for (const secret of secrets) expect(shown).not.toContain(secret);
    expect(clients.map(({ session }) => session.clientId)).toEqual(clients.map(({ clientId }) => clientId));
  });
});
