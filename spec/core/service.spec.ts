import { describe, expect, it } from 'vitest';
import type { ReceivedMessage } from '../../src/ports/session.ts';
import { BayeuxError } from '../../src/protocol/errors.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { settle } from '../support/until.ts';

describe('a service message', () => {
  it('is for listeners only, and answered whoever they are (SV-1, SV-2)', async () => {
    const { server } = serve();
    const heard: ReceivedMessage[] = [];
    server.subscribe('/service/*', (message) => heard.push(message));
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await bob.subscribe(['/service/x', '/service/**', '/**']);
    const message = ann.message('/service/x', { id: 's', data: { a: 1 }, ext: { t: 1 }, evil: 1 });
    expect((await ann.send(message)).messages).toEqual([
      { id: 's', channel: '/service/x', successful: true },
    ]);
    expect(heard).toEqual([
      { channel: '/service/x', data: { a: 1 }, ext: { t: 1 }, id: 's', session: ann.session },
    ]);
    expect((await bob.connect({ advice: { timeout: 0 } })).events).toEqual([]);
    expect((await ann.publish('/service/nobody/listens', 1)).reply).toMatchObject({ successful: true });
  });

  it('is not held up by a listener that takes its time (SV-1)', async () => {
    const { server } = serve();
    server.subscribe('/service/x', () => new Promise(() => {}));
    const client = await FakeClient.connected(server);
    expect((await client.publish('/service/x', 1)).reply).toMatchObject({ successful: true });
  });

  it('may be answered with events on any service channel (SV-3)', async () => {
    const { server } = serve();
    server.subscribe('/service/ping', ({ session, data }) => session?.deliver('/service/pong', data));
    const client = await FakeClient.connected(server);
    expect((await client.publish('/service/ping', 1)).events).toEqual([
      { channel: '/service/pong', data: 1 },
    ]);
  });

  it('that the policy refuses is heard by nobody', async () => {
    const { server } = serve({ policy: { canPublish: () => false } });
    let heard = 0;
    server.subscribe('/service/**', () => {
      heard += 1;
    });
    const client = await FakeClient.connected(server);
    expect((await client.publish('/service/x', 1)).reply).toMatchObject({
      error: '403:/service/x:publish_denied',
    });
    expect(heard).toBe(0);
  });
});

describe('a remote call (SV-4 to SV-7)', () => {
  const call = (client: FakeClient, channel: string, id: string | number | undefined = 30) =>
    client.send(client.message(channel, { id, data: [1, 2] }));

  it('is answered by an event with its id, its channel and the result', async () => {
    const { server } = serve();
    server.onCall('/service/sum', ({ data }) =>
      Array.isArray(data) ? data.reduce((sum, one) => sum + one, 0) : 0,
    );
    const client = await FakeClient.connected(server);
    expect((await call(client, '/service/sum')).messages).toEqual([
      { id: 30, channel: '/service/sum', successful: true, data: 3 },
      { id: 30, channel: '/service/sum', successful: true },
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no table users_v2 on db7.internal');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no table users_v2 on db7.internal'))],
  ])('whose handler %s fails, and only the log says why (SV-7)', async (_how, handler) => {
    const logged: unknown[] = [];
    const { server } = serve({ log: ({ event, error }) => void logged.push([event, String(error)]) });
    server.onCall('/service/sum', handler);
    const client = await FakeClient.connected(server);
    const conduit = await call(client, '/service/sum');
    await settle();
    const late = await client.connect({ advice: { timeout: 0 } });
    expect([...conduit.events, ...late.events]).toEqual([
      { id: 30, channel: '/service/sum', successful: false, data: { message: 'the call failed' } },
    ]);
    expect(logged).toContainEqual(['call.failed', 'Error: no table users_v2 on db7.internal']);
  });

  it('whose handler throws what is meant for clients fails with its text (SV-7)', async () => {
    const { server } = serve();
    server.onCall('/service/sum', () => {
      throw new BayeuxError(409, ['/service/sum'], 'not_today');
    });
    const client = await FakeClient.connected(server);
    expect((await call(client, '/service/sum')).events).toEqual([
      { id: 30, channel: '/service/sum', successful: false, data: { message: '409:/service/sum:not_today' } },
    ]);
  });

  it('may take its time: its result comes when it is ready', async () => {
    const { server } = serve();
    let done: (value: string) => void = () => {};
    server.onCall(
      '/service/slow',
      () =>
        new Promise<string>((resolve) => {
          done = resolve;
        }),
    );
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    expect((await call(client, '/service/slow')).messages).toHaveLength(1);
    done('ready');
    await settle();
    expect(held.messages).toMatchObject([
      { id: 30, successful: true, data: 'ready' },
      { channel: '/meta/connect' },
    ]);
  });

  it('has no result where the handler gives none, or nobody asked for one', async () => {
    const { server } = serve();
    server.onCall('/service/none', () => undefined);
    server.onCall('/service/sum', () => 1);
    const client = await FakeClient.connected(server);
    expect((await call(client, '/service/none')).events).toEqual([]);
    const { channel, clientId, data } = client.message('/service/sum', { data: 1 });
    expect((await client.send({ channel, clientId, data })).events).toEqual([]);
    expect((await call(client, '/service/sum', 0)).events).toMatchObject([{ id: 0, data: 1 }]);
  });

  it('has one result, though several handlers hear it (SV-5)', async () => {
    const { server } = serve();
    server.onCall('/service/sum', () => 'one');
    server.onCall('/service/**', () => 'two');
    const client = await FakeClient.connected(server);
    expect((await call(client, '/service/sum')).events).toHaveLength(1);
  });

  it('whose result JSON cannot carry fails', async () => {
    const { server } = serve();
    server.onCall('/service/sum', () => 1n);
    const client = await FakeClient.connected(server);
    expect((await call(client, '/service/sum')).events).toMatchObject([{ id: 30, successful: false }]);
  });

  it('is for service channels', () => {
    const { server } = serve();
    for (const pattern of ['/a', '/**', '/meta/x', '/service/a/']) {
      expect(() => server.onCall(pattern, () => 1)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    }
    expect(() => server.subscribe('nonsense', () => 1)).toThrow(
      expect.objectContaining({ name: 'UsageError' }),
    );
  });
});

describe('listen', () => {
  it('hears broadcasts too, after the policy and until it is stopped', async () => {
    const { server } = serve({ policy: { canPublish: ({ channel }) => channel !== '/vip' } });
    const heard: unknown[] = [];
    const stop = server.subscribe('/**', ({ channel }) => heard.push(channel));
    const client = await FakeClient.connected(server);
    await client.publish('/a', 1);
    await client.publish('/vip', 1);
    await client.publish('/meta/x', 1);
    stop();
    stop();
    await client.publish('/a', 2);
    expect(heard).toEqual(['/a']);
  });

  it('is unharmed by a listener that throws or rejects (PR-8)', async () => {
    const logged: string[] = [];
    const { server } = serve({ log: ({ event }) => logged.push(event) });
    server.subscribe('/a', () => {
      throw new Error('bug');
    });
    server.subscribe('/a', () => Promise.reject(new Error('bug')));
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    expect((await client.publish('/a', 1)).messages).toMatchObject([{ data: 1 }, { successful: true }]);
    await settle();
    expect(logged).toEqual(['session.opened', 'listener.failed', 'listener.failed']);
  });
});
