import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import { BayeuxError } from '../../src/protocol/errors.ts';
import type { Reply } from '../../src/protocol/message.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { thenable } from '../support/thenable.ts';

const tagging = (name: string, log: string[] = []): Extension => ({
  name,
  incoming: (request) => {
    log.push(`>${name}`);
    return request;
  },
  outgoing: (reply) => {
    log.push(`<${name}`);
    return { ...reply, ext: { ...reply.ext, [name]: true } };
  },
});

describe('extensions', () => {
  it('see requests in the order of registration and replies in reverse, session extensions inside (PR-5, PR-11)', async () => {
    const log: string[] = [];
    const { server } = serve({ extensions: [tagging('one', log), tagging('two', log)] });
    const [ann, bob] = [await FakeClient.open(server), await FakeClient.open(server)];
    ann.session.extend(tagging('own', log));
    log.length = 0;
    const { reply } = await ann.publish('/a', 1);
    expect(log).toEqual(['>one', '>two', '>own', '<own', '<two', '<one']);
    expect(reply.ext).toEqual({ one: true, two: true, own: true });
    log.length = 0;
    await bob.publish('/a', 1);
    expect(log).toEqual(['>one', '>two', '<two', '<one']);
  });

  it('may answer with a promise of another make', async () => {
    const slow: Extension = {
      name: 'slow',
      incoming: (request) => thenable(request),
      outgoing: (reply) => thenable({ ...reply, ext: { slow: true } }),
    };
    const { server } = serve({ extensions: [slow] });
    const ann = await FakeClient.open(server);
    expect((await ann.publish('/a', 1)).reply).toMatchObject({ successful: true, ext: { slow: true } });
  });

  it('see every readable message, of nobody too, and every reply (PR-11)', async () => {
    const seen: unknown[] = [];
    const { server } = serve({
      extensions: [
        {
          name: 'watch',
          incoming: (request, { session }) => {
            seen.push([request.kind, session?.id]);
            return request;
          },
          outgoing: (reply, session) => {
            seen.push([reply.successful, session?.id]);
            return reply;
          },
        },
      ],
    });
    const client = await FakeClient.open(server);
    const { id } = client.session;
    await ask(server, { channel: '/meta/subscribe', subscription: '/a', clientId: 'x' });
    await client.connect();
    const held = await client.connect();
    client.session.disconnect();
    expect(held.replies).toHaveLength(2);
    expect(seen).toEqual([
      ['handshake', undefined],
      [true, id],
      ['subscribe', undefined],
      [false, undefined],
      ['connect', id],
      [true, id],
      ['connect', id],
      // The notice that the session is over (DC-6).
      [true, id],
      [false, id],
    ]);
  });

  it('may be asynchronous', async () => {
    const later = <T>(value: T): Promise<T> =>
      new Promise((resolve) => void setImmediate(() => resolve(value)));
    const { server } = serve({
      extensions: [{ name: 'slow', incoming: later, publishing: later, outgoing: (reply) => later(reply) }],
    });
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    expect((await client.publish('/a', 1)).messages).toMatchObject([{ data: 1 }, { successful: true }]);
  });

  it.each([
    ['handshake', '/meta/handshake', { reconnect: 'none', interval: 0, timeout: 30_000 }],
    ['connect', '/meta/connect', { reconnect: 'retry', interval: 1000, timeout: 30_000 }],
    ['subscribe', '/meta/subscribe', undefined],
    ['publish', '/a', undefined],
  ])('that delete a %s, or its reply, make it fail (PR-7)', async (_kind, channel, advice) => {
    for (const way of ['incoming', 'outgoing'] as const) {
      let on = false;
      const drop = <T extends { readonly channel?: string }>(message: T): T | undefined =>
        on && message.channel === channel ? undefined : message;
      const { server } = serve({ extensions: [{ name: 'drop', [way]: drop }] });
      const client = await FakeClient.open(server);
      on = true;
      const message = handshake(client.message(channel, { data: 1, subscription: '/a' }));
      const { reply } = await client.send(message);
      expect(reply).toMatchObject({
        id: message.id,
        channel,
        successful: false,
        error: '404::message_deleted',
      });
      expect([reply.advice, reply.clientId]).toEqual([advice, undefined]);
      // HS-9: no session nobody knows of.
      expect(server.sessions.size).toBe(1);
    }
  });

  it('may refuse with an error of their own', async () => {
    const refusal = () => {
      throw new BayeuxError(400, ['/a'], 'binary_invalid', { at: 7 });
    };
    for (const way of ['incoming', 'publishing', 'outgoing'] as const) {
      const { server } = serve();
      const client = await FakeClient.open(server);
      client.session.extend({ name: 'refuse', [way]: refusal });
      const served = serve({ extensions: [{ name: 'refuse', publishing: refusal }] });
      const other = await FakeClient.open(served.server);
      const { reply } = way === 'publishing' ? await other.publish('/a', 1) : await client.publish('/a', 1);
      expect(reply).toMatchObject({ successful: false, error: '400:/a:binary_invalid', ext: { at: 7 } });
    }
  });

  it('that throw anything else are logged, and things go on (PR-8)', async () => {
    const logged: unknown[] = [];
    const bug = () => {
      throw new Error('bug');
    };
    const rejecting = () => Promise.reject(new Error('bug'));
    const { server } = serve({
      log: ({ event, extension }) => void (event === 'extension.failed' && logged.push(extension)),
      extensions: [
        { name: 'throws', opened: bug, incoming: bug, publishing: bug, outgoing: bug, delivering: bug },
        { name: 'rejects', incoming: rejecting, publishing: rejecting, outgoing: rejecting },
      ],
    });
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    expect((await client.publish('/a', 1)).messages).toMatchObject([{ data: 1 }, { successful: true }]);
    expect(new Set(logged)).toEqual(new Set(['throws', 'rejects']));
  });

  it('that put into a reply what JSON cannot carry spoil that reply only', async () => {
    const logged: string[] = [];
    const spoil = (reply: Reply): Reply => ({ ...reply, ext: { big: 1n } });
    const { server, clock } = serve({ log: ({ event }) => logged.push(event) });
    const client = await FakeClient.connected(server);
    client.session.extend({ name: 'spoil', outgoing: spoil });
    const held = await client.connect();
    await clock.tick(30_000);
    expect(held.reply).toMatchObject({ channel: '/meta/connect', error: '500::server_error' });
    const { replies } = await client.send([client.message('/a', { data: 1 }), { id: 'x' }]);
    expect(replies.map(({ error }) => error)).toEqual(['500::server_error', '400::channel_missing']);
    expect(logged).toContain('request.failed');
  });

  it('may change an event before it is published: what they add reaches everyone, and is made once', async () => {
    let calls = 0;
    const { server } = serve({
      extensions: [
        {
          name: 'stamp',
          publishing: (event) => {
            calls += 1;
            return { ...event, timestamp: 'now' };
          },
        },
      ],
    });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    for (const client of [ann, bob]) await client.subscribe('/a');
    await server.publish('/a', 1);
    for (const client of [ann, bob])
      expect((await client.connect()).events).toEqual([{ channel: '/a', data: 1, timestamp: 'now' }]);
    expect(calls).toBe(1);
  });

  it('may delete an event: its publish fails, and nobody hears it', async () => {
    const { server } = serve({ extensions: [{ name: 'drop', publishing: () => undefined }] });
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    expect((await client.publish('/a', 1)).messages).toMatchObject([{ error: '404::message_deleted' }]);
  });

  it('may change or withhold an event from one session (DL-7)', async () => {
    const { server } = serve();
    const [ann, bob, eve] = [
      await FakeClient.connected(server),
      await FakeClient.connected(server),
      await FakeClient.connected(server),
    ];
    for (const client of [ann, bob, eve]) await client.subscribe('/a');
    ann.session.extend({ name: 'change', delivering: (event) => ({ ...event, data: 'changed' }) });
    bob.session.extend({ name: 'withhold', delivering: () => undefined });
    await server.publish('/a', 'as it was', { lazy: true });
    const got = await Promise.all(
      [ann, bob, eve].map((client) => client.connect({ advice: { timeout: 0 } })),
    );
    expect(got.map(({ data }) => data)).toEqual([['changed'], [], ['as it was']]);
  });

  it('hear of a session before its handshake is answered', async () => {
    const opened: string[] = [];
    const { server } = serve({
      extensions: [
        {
          name: 'hello',
          opened: (session, request) => {
            opened.push(session.id);
            session.attributes.hello = { types: request.supportedConnectionTypes };
          },
        },
      ],
    });
    const client = await FakeClient.connected(server);
    expect(opened).toEqual([client.session.id]);
    expect(client.session.attributes.hello).toMatchObject({
      types: expect.arrayContaining(['long-polling']),
    });
  });

  it('do not make a connect swallow what is queued while they answer it', async () => {
    const { server } = serve({ extensions: [{ name: 'slow', outgoing: (reply) => Promise.resolve(reply) }] });
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    client.session.deliver('/a', 1);
    await client.flushed();
    client.session.deliver('/a', 2);
    await client.flushed();
    await client.flushed();
    const next = await client.connect({ advice: { timeout: 0 } });
    expect([...held.data, ...next.data]).toEqual([1, 2]);
  });
});

describe('listeners of the server (PR-8)', () => {
  it('may throw: the others hear, and nothing else happens', async () => {
    const logged: unknown[] = [];
    const heard: string[] = [];
    const { server } = serve({
      log: ({ event, name }) => void (event === 'listener.failed' && logged.push(name)),
    });
    const names = [
      'session.opened',
      'session.closed',
      'channel.subscribed',
      'channel.unsubscribed',
      'published',
    ] as const;
    for (const name of names) {
      server.on(name, () => {
        throw new Error('bug');
      });
      server.on(name, () => heard.push(name));
    }
    const client = await FakeClient.open(server, exchange());
    await client.subscribe('/a');
    await client.publish('/a', 1);
    await client.disconnect();
    const order = [
      'session.opened',
      'channel.subscribed',
      'published',
      'channel.unsubscribed',
      'session.closed',
    ];
    expect([heard, logged]).toEqual([order, order]);
  });

  it('can be stopped', async () => {
    const { server } = serve();
    let heard = 0;
    const stop = server.on('session.opened', () => {
      heard += 1;
    });
    await FakeClient.open(server);
    stop();
    await FakeClient.open(server);
    expect(heard).toBe(1);
  });
});
