import { describe, expect, it } from 'vitest';
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
