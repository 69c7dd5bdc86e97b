import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/index.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { until } from '../support/until.ts';
import { exchange, socket, type Wire } from '../support/fake-conduit.ts';
import { DIRECT, directServer, onSocket, payloads, polls, receiptsOf, send } from './clients.ts';

const now = { advice: { timeout: 0 } };

describe('an addressed message (AD-1, AD-3)', () => {
  it('reaches every session of its receivers, with sender and id, and no other session', async () => {
    const { server } = directServer();
    const [ann, one, two, eve] = [
      await onSocket(server, 'ann'),
      await onSocket(server, 'bob'),
      await onSocket(server, 'bob'),
      await onSocket(server, 'eve'),
    ];
    for (const pattern of ['/**', '/service/**', '/service/*', DIRECT, '/service/receipt'])
      await eve.client.subscribe(pattern, eve.wire);
    const before = eve.wire.batches.length;
    const reply = await send(ann.client, ['bob'], 'hi');
    const { messageId } = reply.ext as Wire;
    const data = { from: { id: 'ann', info: { name: 'ANN' } }, payload: 'hi', id: messageId };
    for (const { wire } of [one, two]) expect(wire.events).toEqual([{ channel: DIRECT, data }]);
    expect([ann.wire.events, eve.wire.batches.length]).toEqual([[], before]);
    expect(messageId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('has the sender that the server knows, whatever the client says', async () => {
    const { server } = directServer();
    const [ann, bob] = [await onSocket(server, 'ann'), await onSocket(server, 'bob')];
    await send(ann.client, ['bob'], 1, { from: { id: 'eve' }, id: 'forged', ext: 'x' });
    expect(bob.wire.data).toEqual([
      { from: { id: 'ann', info: { name: 'ANN' } }, payload: 1, id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });

  it('of an anonymous session names the session, and says so', async () => {
    const { server } = directServer();
    const [nobody, bob] = [await onSocket(server), await onSocket(server, 'bob')];
    await send(nobody.client, ['bob'], 1);
    expect(bob.wire.data).toMatchObject([{ from: { id: nobody.client.session.id, anonymous: true } }]);
  });

  it('to a user who is no receiver of anonymous sessions does not go to a session of that id', async () => {
    const { server } = directServer();
    const [nobody, ann] = [await onSocket(server), await onSocket(server, 'ann')];
    const reply = await send(ann.client, [nobody.client.session.id], 1);
    expect([receiptsOf(reply), nobody.wire.events]).toEqual([{ [nobody.client.session.id]: 'offline' }, []]);
  });

  it('reaches the sender too who names himself', async () => {
    const { server } = directServer();
    const ann = await onSocket(server, 'ann');
    await send(ann.client, ['ann'], 'note');
    expect(payloads(ann.wire)).toEqual(['note']);
  });

  it('reaches a receiver who is named twice once', async () => {
    const { server } = directServer();
    const [ann, bob] = [await onSocket(server, 'ann'), await onSocket(server, 'bob')];
    expect(receiptsOf(await send(ann.client, ['bob', 'bob'], 1))).toEqual({ bob: 'delivered' });
    expect(payloads(bob.wire)).toEqual([1]);
  });

  it('is given to no listener, and emits no event', async () => {
    const { server } = directServer(true, { channels: { '/dm/*': { addressed: true } } });
    const heard: unknown[] = [];
    server.subscribe('/**', (message) => heard.push(message));
    server.on('published', (event) => heard.push(event));
    const ann = await onSocket(server, 'ann');
    await send(ann.client, ['ann'], 1);
    await send(ann.client, ['ann'], 1, {}, '/dm/x');
    expect(heard).toEqual([]);
  });

  it('needs a session', async () => {
    const { server } = directServer(true, { unconnectedPublish: 'allow' });
    const bob = await onSocket(server, 'bob');
    const wire = exchange();
    await server.receive(
      server.decode(JSON.stringify({ channel: DIRECT, data: { receivers: ['bob'], payload: 1 } })),
      wire,
    );
    expect([wire.reply.error, bob.wire.events]).toEqual(['402::session_unknown', []]);
  });

  it('needs the right to publish to the channel', async () => {
    const { server } = directServer(true, {
      policy: { canPublish: ({ session }) => session?.user?.id !== 'eve' },
    });
    const [eve, bob] = [await onSocket(server, 'eve'), await onSocket(server, 'bob')];
    expect((await send(eve.client, ['bob'], 1)).error).toBe(`403:${DIRECT}:publish_denied`);
    expect(bob.wire.events).toEqual([]);
  });
});

describe('an addressed broadcast channel', () => {
  const dm = () => directServer(true, { channels: { '/dm/*': { addressed: true, history: true } } });

  it('has receivers and no subscribers', async () => {
    const { server } = dm();
    const [ann, bob, eve] = [
      await onSocket(server, 'ann'),
      await onSocket(server, 'bob'),
      await onSocket(server, 'eve'),
    ];
    for (const pattern of ['/**', '/dm/*', '/dm/x']) {
      const subscription = eve.client.message('/meta/subscribe', { subscription: pattern });
      await eve.client.send({ ...subscription, ext: { replay: { [pattern]: -2 } } }, eve.wire);
    }
    await send(ann.client, ['bob'], 1, {}, '/dm/x');
    await eve.client.flushed();
    expect([payloads(bob.wire, '/dm/x'), eve.wire.events]).toEqual([[1], []]);
    await eve.client.send(
      eve.client.message('/meta/subscribe', { subscription: '/**', ext: { replay: { '/**': -2 } } }),
      eve.wire,
    );
    await eve.client.flushed();
    expect(eve.wire.events).toEqual([]);
  });

  it('takes no event of the server without receivers, and says how to name them', async () => {
    const { server } = dm();
    const error = await server.publish('/dm/x', 1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain("write server.user('ann').deliver('/dm/x', …)");
    await expect(server.publishAll([{ channel: '/dm/x', data: 1 }])).rejects.toThrow('needs receivers');
    const bob = await onSocket(server, 'bob');
    await server.user('bob').deliver('/dm/x', 'from the server');
    await bob.client.flushed();
    expect(bob.wire.data).toEqual(['from the server']);
  });

  it('is addressed no more where a nearer rule says so', async () => {
    const { server } = directServer(true, {
      channels: { '/dm/**': { addressed: true }, '/dm/open': { addressed: false } },
    });
    const ann = await onSocket(server, 'ann');
    await ann.client.subscribe('/dm/open', ann.wire);
    await ann.client.publish('/dm/open', 'to all', ann.wire);
    await ann.client.flushed();
    expect(ann.wire.data).toEqual(['to all']);
  });
});

describe('data that is no addressed message (AD-2)', () => {
  const many = Array.from({ length: 1001 }, (_, at) => `u${at}`);
  it.each<[string, unknown, string, string]>([
    ['null', null, '', 'must be an object'],
    ['a list', [], '', 'must be an object'],
    ['no payload', { receivers: ['bob'] }, '', "must have required property 'payload'"],
    ['no receivers', { payload: 1 }, '/receivers', 'at least one user id'],
    ['an empty list', { payload: 1, receivers: [] }, '/receivers', 'at least one user id'],
    ['a text for a list', { payload: 1, receivers: 'bob' }, '/receivers', 'at least one user id'],
    ['a list-like object', { payload: 1, receivers: { length: 1, 0: 'bob' } }, '/receivers', 'at least one'],
    ['a number', { payload: 1, receivers: ['a', 7] }, '/receivers/1', 'a text of 1 to 255 characters'],
    ['null as a receiver', { payload: 1, receivers: [null] }, '/receivers/0', 'a text'],
    ['an empty id', { payload: 1, receivers: [''] }, '/receivers/0', 'a text'],
    ['an object with toString', { payload: 1, receivers: [{ toString: 'bob' }] }, '/receivers/0', 'a text'],
    ['a long id', { payload: 1, receivers: ['x'.repeat(256)] }, '/receivers/0', 'a text'],
    ['half a character', { payload: 1, receivers: ['\ud800'] }, '/receivers/0', 'a text'],
    [
      'too many receivers',
      { payload: 1, receivers: many },
      '/receivers',
      'must NOT have more than 1000 items',
    ],
    ['volatile', { payload: 1, receivers: ['bob'], volatile: 'yes' }, '/volatile', 'must be boolean'],
    ['receipt', { payload: 1, receivers: ['bob'], receipt: 'seen' }, '/receipt', 'must be equal to "read"'],
    ['receipts', { payload: 1, receivers: ['bob'], receipts: true }, '/receipts', 'must be equal to "event"'],
    ['ref', { payload: 1, receivers: ['bob'], ref: 7 }, '/ref', 'must be a text'],
  ])('is refused: %s', async (_name, data, path, message) => {
    const { server } = directServer();
    const [ann, bob] = [await onSocket(server, 'ann'), await onSocket(server, 'bob')];
    const { reply } = await ann.client.publish(DIRECT, data);
    expect(reply).toMatchObject({ successful: false, error: `400:${DIRECT}:data_invalid` });
    expect(reply.ext).toEqual({ fault: { path, message: expect.stringContaining(message) } });
    expect(bob.wire.events).toEqual([]);
  });

  it('may have as many receivers as the rule says', async () => {
    const { server } = directServer({ maxReceivers: 2 });
    const ann = await onSocket(server, 'ann');
    expect((await send(ann.client, ['a', 'b', 'c'], 1)).successful).toBe(false);
    expect((await send(ann.client, ['a', 'b'], 1)).successful).toBe(true);
  });

  it('may name users as properties of objects are named', async () => {
    const { server } = directServer();
    const names = ['__proto__', 'constructor', 'toString', 'a/b', '*', '/**', 'ünï 😀'];
    const ann = await onSocket(server, 'ann');
    const [proto] = [await onSocket(server, '__proto__')];
    const reply = await send(ann.client, names, 1);
    expect(Object.entries(receiptsOf(reply) as object)).toEqual(
      names.map((name) => [name, name === '__proto__' ? 'delivered' : 'offline']),
    );
    expect(payloads(proto.wire)).toEqual([1]);
    expect(({} as Wire).polluted).toBeUndefined();
  });

  it('may have any payload that JSON can carry', async () => {
    const { server } = directServer();
    const [ann, bob] = [await onSocket(server, 'ann'), await onSocket(server, 'bob')];
    const all = [null, false, 0, '', [], {}, JSON.parse('{"__proto__":{"polluted":1}}'), [[[[[1]]]]]];
    for (const payload of all) await send(ann.client, ['bob'], payload);
    expect(JSON.stringify(payloads(bob.wire))).toBe(JSON.stringify(all));
  });
});

describe('canSend (AD-4)', () => {
  it('is asked for each receiver, and what it denies is not delivered', async () => {
    const asked: unknown[] = [];
    const { server } = directServer(true, {
      policy: {
        canSend: ({ session, user, channel, to, payload, message }) => {
          asked.push([session?.id, user?.id, channel, to, payload, 'clientId' in message]);
          return to !== 'bob';
        },
      },
    });
    const [ann, bob, cal] = [
      await onSocket(server, 'ann'),
      await onSocket(server, 'bob'),
      await onSocket(server, 'cal'),
    ];
    const reply = await send(ann.client, ['bob', 'cal', 'dan'], 'hi');
    expect(receiptsOf(reply)).toEqual({ bob: 'denied', cal: 'delivered', dan: 'offline' });
    expect([payloads(bob.wire), payloads(cal.wire)]).toEqual([[], ['hi']]);
    const { id } = ann.client.session;
    expect(asked).toEqual(['bob', 'cal', 'dan'].map((to) => [id, 'ann', DIRECT, to, 'hi', false]));
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['answers no boolean', () => 'yes'],
    ['never answers', () => new Promise(() => {})],
  ])('that %s denies, and the log says so', async (_name, canSend) => {
    const log: unknown[] = [];
    const { server, clock } = directServer(true, {
      policy: { canSend: canSend as () => boolean },
      log: (entry) => log.push(entry.event),
    });
    const [ann, bob] = [await onSocket(server, 'ann'), await onSocket(server, 'bob')];
    const sending = send(ann.client, ['bob'], 1);
    await clock.tick(server.options.hookTimeout);
    expect([receiptsOf(await sending), payloads(bob.wire)]).toEqual([{ bob: 'denied' }, []]);
    expect(log).toContain('policy.failed');
  });

  it('is not asked about sessions of the application itself', async () => {
    const { server } = directServer(true, { policy: { canSend: () => false } });
    const bob = await onSocket(server, 'bob');
    const local = await server.localSession({ user: 'ann' });
    await local.publish(DIRECT, { receivers: ['bob'], payload: 1 });
    expect(payloads(bob.wire)).toEqual([1]);
  });

  it('alone is a policy', () => {
    expect(() => serve({ policy: { canSend: () => true } })).not.toThrow();
  });
});

describe('a copy for the sender', () => {
  it('goes to his other sessions, if the rule says so', async () => {
    const { server } = directServer({ copy: true });
    const [one, two, bob] = [
      await onSocket(server, 'ann'),
      await onSocket(server, 'ann'),
      await onSocket(server, 'bob'),
    ];
    const reply = await send(one.client, ['bob', 'dan'], 'hi');
    await two.client.flushed();
    const { messageId: id } = reply.ext as Wire;
    const from = { id: 'ann', info: { name: 'ANN' } };
    expect(two.wire.data).toEqual([{ from, receivers: ['bob', 'dan'], payload: 'hi', id }]);
    expect([one.wire.data, bob.wire.data]).toEqual([[], [{ from, payload: 'hi', id }]]);
  });

  it('does not go to a sender who is a receiver', async () => {
    const { server } = directServer({ copy: true });
    const [one, two] = [await onSocket(server, 'ann'), await onSocket(server, 'ann')];
    await send(one.client, ['ann'], 'hi');
    await two.client.flushed();
    expect([payloads(one.wire), payloads(two.wire)]).toEqual([['hi'], ['hi']]);
  });
});

describe('receipts (AD-5)', () => {
  it('say what became of a message for each receiver', async () => {
    const { server } = directServer(true, { policy: { canSend: ({ to }) => to !== 'eve' } });
    const ann = await onSocket(server, 'ann');
    await onSocket(server, 'bob');
    const cal = await polls(server, 'cal');
    await onSocket(server, 'eve');
    const reply = await send(ann.client, ['bob', 'cal', 'dan', 'eve'], 1);
    expect(receiptsOf(reply)).toEqual({ bob: 'delivered', cal: 'queued', dan: 'offline', eve: 'denied' });
    expect((await cal.connect(now)).events).toHaveLength(1);
  });

  it('call delivered what one session of several got', async () => {
    const { server } = directServer();
    const ann = await onSocket(server, 'ann');
    await polls(server, 'bob');
    await onSocket(server, 'bob');
    expect(receiptsOf(await send(ann.client, ['bob'], 1))).toEqual({ bob: 'delivered' });
  });

  it('wait for a connection that takes its time, and not for long', async () => {
    const { server, clock } = directServer();
    const ann = await onSocket(server, 'ann');
    const wire = socket({ slow: true });
    await FakeClient.connected(server, wire, { ext: { user: 'bob' } });
    wire.settleThrough(9);
    const first = send(ann.client, ['bob'], 1);
    await until(() => payloads(wire).length === 1);
    wire.settleThrough(9);
    expect(receiptsOf(await first)).toEqual({ bob: 'delivered' });
    const second = send(ann.client, ['bob'], 2);
    await clock.tick(250);
    expect(receiptsOf(await second)).toEqual({ bob: 'queued' });
  });

  it('come as an event where the message, or the rule, says so', async () => {
    for (const [rule, more] of [
      [true, { receipts: 'event' }],
      [{ receipts: 'event' }, {}],
    ] as const) {
      const { server } = directServer(rule);
      const ann = await onSocket(server, 'ann');
      await onSocket(server, 'bob');
      const reply = await send(ann.client, ['bob', 'dan'], 1, { ...more, ref: 'm-1' });
      await ann.client.flushed();
      expect(reply.ext).toBeUndefined();
      expect(ann.wire.events).toEqual([
        {
          channel: '/service/receipt',
          data: { id: expect.any(String), ref: 'm-1', receipts: { bob: 'delivered', dan: 'offline' } },
        },
      ]);
    }
  });

  it('are kept back where the rule says so', async () => {
    const { server } = directServer({ receipts: false });
    const ann = await onSocket(server, 'ann');
    const bob = await onSocket(server, 'bob', { ext: { ack: true } });
    const reply = await send(ann.client, ['bob'], 1, { receipt: 'read', receipts: 'event' });
    await bob.client.connect({ ext: { ack: 1 } }, bob.wire);
    await bob.client.connect({ ext: { ack: 2 } }, bob.wire);
    expect([reply.ext, ann.wire.events]).toEqual([undefined, []]);
  });

  it('tell once when a client has acknowledged the message', async () => {
    const { server } = directServer();
    const ann = await onSocket(server, 'ann');
    const [one, two] = [await polls(server, 'bob', { ack: true }), await polls(server, 'bob', { ack: true })];
    const reply = await send(ann.client, ['bob'], 1, { receipt: 'read', ref: 'm-1' });
    const { messageId: id } = reply.ext as Wire;
    for (const client of [one, two]) {
      const { reply: connected } = await client.connect(now);
      await client.flushed();
      expect(ann.wire.events).toHaveLength(client === one ? 0 : 1);
      await client.connect({ ext: { ack: (connected.ext as Wire).ack }, ...now });
      await client.flushed();
      expect(ann.wire.events).toEqual([
        { channel: '/service/receipt', data: { id, ref: 'm-1', user: 'bob', state: 'read' } },
      ]);
    }
  });

  it('cannot be forged by a client, even where a rule covers their channel', async () => {
    const { server } = directServer(true, { channels: { '/service/**': { addressed: true } } });
    const [eve, bob] = [await onSocket(server, 'eve'), await onSocket(server, 'bob')];
    await send(eve.client, ['bob'], { state: 'read' }, {}, '/service/receipt');
    await bob.client.flushed();
    expect(bob.wire.events).toEqual([]);
  });
});

describe('a volatile message (AD-6)', () => {
  it('reaches sessions that take it now, and no others, now or later', async () => {
    const { server } = directServer({ ttl: 60_000 });
    const [ann, bob] = [await onSocket(server, 'ann'), await onSocket(server, 'bob')];
    const cal = await polls(server, 'cal');
    const reply = await send(ann.client, ['bob', 'cal', 'dan'], 'typing', { volatile: true });
    expect(receiptsOf(reply)).toEqual({ bob: 'delivered', cal: 'offline', dan: 'offline' });
    expect(payloads(bob.wire)).toEqual(['typing']);
    expect((await cal.connect(now)).events).toEqual([]);
    const dan = await polls(server, 'dan');
    expect((await dan.connect(now)).events).toEqual([]);
  });

  it('is one where the rule of the channel says so', async () => {
    const { server } = directServer(true, { channels: { '/typing/*': { addressed: true, volatile: true } } });
    const ann = await onSocket(server, 'ann');
    const cal = await polls(server, 'cal');
    const reply = await send(ann.client, ['cal'], 'typing', {}, '/typing/1');
    expect([receiptsOf(reply), (await cal.connect(now)).events]).toEqual([{ cal: 'offline' }, []]);
  });
});
