import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import type { Engine, Publication } from '../../src/ports/engine.ts';
import type { PolicyRequest } from '../../src/ports/policy.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { settle, until } from '../support/until.ts';

/** Answers publishes when it is told to. */
class LateEngine extends MemoryEngine implements Engine {
  readonly given: unknown[] = [];
  readonly #waiting: (() => void)[] = [];

  override publish(publication: Publication): Promise<void> {
    this.given.push(publication.event.message.data);
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        super.publish(publication);
        resolve();
      });
    });
  }

  /** Whether there was a publish to answer. */
  answer(): boolean {
    const next = this.#waiting.shift();
    next?.();
    return next !== undefined;
  }
}

/** A policy that thinks about `/slow…` until it is told to go on. */
function thinking() {
  const waiting: ((answer: boolean) => void)[] = [];
  const think = ({ channel }: PolicyRequest) =>
    channel.startsWith('/slow') ? new Promise<boolean>((resolve) => waiting.push(resolve)) : true;
  return { policy: { canPublish: think, canSubscribe: think }, waiting, goOn: () => waiting.shift()?.(true) };
}

/** A server with that policy, and the data that it has published so far. */
function thinkingServer() {
  const { policy, waiting, goOn } = thinking();
  const { server } = serve({ policy });
  const order: unknown[] = [];
  server.on('published', ({ data }) => order.push(data));
  return { server, waiting, goOn, order };
}

function limited(limits: ServerOptions) {
  const { policy, goOn } = thinking();
  const log: LogEvent[] = [];
  const { server } = serve({ ...limits, policy, log: (event) => log.push(event) });
  return { server, goOn, refused: () => log.filter(({ event }) => event === 'request.refused') };
}

describe('a batch', () => {
  it('has one reply for each message, in their order (PR-1, MSG-5)', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    const messages = [
      client.message('/a', { id: 1, data: 1 }),
      client.message('/meta/subscribe', { id: '2', subscription: '/a' }),
      client.message('/bad/', { id: 3, data: 1 }),
      client.message('/meta/connect', { id: '4' }),
      { id: '5' },
      { id: {}, channel: '/x' },
      client.message('/meta/unsubscribe', { id: '6', subscription: '/a' }),
      client.message('/service/x', { id: '7' }),
      { channel: '/a' },
    ];
    for (const conduit of [exchange(), exchange({ transport: 'callback-polling' }), socket()]) {
      const { replies } = await ask(server, messages, conduit);
      expect(replies.map(({ id, channel, successful }) => [id, channel, successful])).toEqual([
        [1, '/a', true],
        ['2', '/meta/subscribe', true],
        [3, '/bad/', false],
        ['4', '/meta/connect', true],
        ['5', undefined, false],
        [undefined, '/x', false],
        ['6', '/meta/unsubscribe', true],
        ['7', '/service/x', true],
        [undefined, '/a', false],
      ]);
    }
  });

  it('judges each message by its own clientId (PR-2)', async () => {
    const { server } = serve();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await ann.subscribe('/a');
    await bob.subscribe('/b');
    await server.publish('/b', 'for bob only');
    const { messages } = await ask(server, [
      { id: '1', channel: '/x', data: 1, clientId: 'dead' },
      ann.message('/a', { id: '2', data: 'own' }),
      bob.message('/b', { id: '3', data: 'own' }),
      { id: '4', channel: '/meta/subscribe', subscription: '/c', clientId: 'dead' },
    ]);
    // PR-3: the response belongs to the first that resolved; the other's events are not in it.
    expect(messages).toMatchObject([
      { channel: '/a', data: 'own' },
      { id: '1', error: '402::session_unknown' },
      { id: '2', successful: true },
      { id: '3', successful: true },
      { id: '4', error: '402::session_unknown' },
    ]);
    expect((await bob.connect()).data).toEqual(['for bob only', 'own']);
  });

  it('carries the events of the first that connects (PR-3)', async () => {
    const { server } = serve();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    ann.session.deliver('/a', 'ann');
    bob.session.deliver('/b', 'bob');
    const { data } = await ask(server, [ann.message('/x', { data: 1 }), bob.message('/meta/connect')]);
    expect(data).toEqual(['bob']);
    expect((await ann.connect()).data).toEqual(['ann']);
  });

  it('puts events before all replies but that of a handshake (PR-6)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1);
    const { messages } = await client.send([
      client.message('/meta/subscribe', { subscription: '/a' }),
      client.message('/a', { data: 2 }),
      client.message('/meta/connect'),
    ]);
    expect(messages.map(({ channel, data }) => data ?? channel)).toEqual([
      1,
      2,
      '/meta/subscribe',
      '/a',
      '/meta/connect',
    ]);
  });

  it('leaves the held connect alone for what it queues itself (PR-4)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const held = await client.connect();
    const { messages } = await client.publish('/a', 1);
    await client.flushed();
    expect(messages).toMatchObject([{ data: 1 }, { channel: '/a', successful: true }]);
    expect([held.messages, client.session.state]).toEqual([[], 'held']);
  });

  it('leaves its events to the held connect on transports that deliver so only (DL-3)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const held = await client.connect({}, exchange({ transport: 'callback-polling' }));
    const { events } = await client.publish('/a', 1, exchange({ transport: 'callback-polling' }));
    await client.flushed();
    expect([events, held.data]).toEqual([[], [1]]);
  });

  it('that waits for a policy holds up no deliveries of others to its session (PR-4)', async () => {
    const { policy, goOn } = thinking();
    const { server } = serve({ policy });
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    const asked = client.publish('/slow', 1);
    await settle();
    client.session.deliver('/a', 'meanwhile');
    await client.flushed();
    expect(held.data).toEqual(['meanwhile']);
    goOn();
    expect((await asked).reply).toMatchObject({ successful: true });
  });

  it('fails where a message fails, and there alone (PR-8)', async () => {
    const { server } = serve({
      policy: {
        canPublish: ({ channel }) => {
          if (channel === '/bug') throw new Error('bug');
          return true;
        },
      },
    });
    const client = await FakeClient.open(server);
    const { replies } = await client.send([
      client.message('/a', { data: 1 }),
      client.message('/bug', { data: 1 }),
      client.message('/b', { data: 1 }),
    ]);
    expect(replies.map(({ error }) => error)).toEqual([undefined, '500::server_error', undefined]);
  });
});

describe('messages of one session (PR-12)', () => {
  it.each([
    ['two frames', () => socket()],
    ['two requests', () => exchange()],
  ])('keep their order over %s, however long policies think', async (_how, make) => {
    const { server, goOn, order } = thinkingServer();
    const wire = make();
    const client = await FakeClient.connected(server);
    const first = client.publish('/slow', 1, wire);
    const second = client.publish('/fast', 2, wire.shape === 'socket' ? wire : make());
    await settle();
    expect(order).toEqual([]);
    goOn();
    await Promise.all([first, second]);
    expect(order).toEqual([1, 2]);
  });

  it('keep it where one comes while the second of two thinks', async () => {
    const { server, waiting, goOn, order } = thinkingServer();
    const client = await FakeClient.connected(server);
    const asked = [client.publish('/slow', 1), client.publish('/slow', 2)];
    await settle();
    goOn();
    await settle();
    expect([order, waiting.length]).toEqual([[1], 1]);
    asked.push(client.publish('/fast', 3));
    await settle();
    goOn();
    await Promise.all(asked);
    expect(order).toEqual([1, 2, 3]);
  });

  it.each([
    ['frames', () => socket()],
    ['requests', () => exchange()],
  ])('keep it where a whole batch comes before another one, in two %s', async (_how, make) => {
    const { server, goOn, order } = thinkingServer();
    const wire = make();
    const client = await FakeClient.connected(server);
    const batch = ['/fast', '/slow', '/fast'].map((channel, at) => client.message(channel, { data: at }));
    const asked = [client.send(batch, wire)];
    for (const data of [3, 4])
      asked.push(client.publish('/fast', data, wire.shape === 'socket' ? wire : make()));
    await settle();
    goOn();
    await Promise.all(asked);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('keep it where a batch waits for the engine before it subscribes', async () => {
    const engine = new LateEngine();
    const { server } = serve({ engine });
    const client = await FakeClient.connected(server);
    const asked = client.send([
      client.message('/a', { data: 1 }),
      client.message('/meta/subscribe', { subscription: '/a' }),
      client.message('/a', { data: 2 }),
      client.message('/meta/unsubscribe', { subscription: '/a' }),
      client.message('/a', { data: 3 }),
    ]);
    const later = client.publish('/a', 4);
    for (let answers = 0; answers < 4; answers += 1) await until(() => engine.answer());
    await Promise.all([asked, later]);
    expect(engine.given).toEqual([1, 2, 3, 4]);
  });

  it('keep it where batches name two sessions, the other way round', async () => {
    const { server, waiting, goOn, order } = thinkingServer();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const asked = [
      ask(server, [ann.message('/slow', { data: 1 }), bob.message('/fast', { data: 2 })]),
      ask(server, [bob.message('/slow', { data: 3 }), ann.message('/fast', { data: 4 })]),
      ask(server, [ann.message('/fast', { data: 5 }), bob.message('/fast', { data: 6 })]),
    ];
    await settle();
    expect(waiting).toHaveLength(1);
    goOn();
    await settle();
    goOn();
    await Promise.all(asked);
    expect(order).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('keep it where a batch waits first for one session and then for another', async () => {
    const { server, waiting, goOn, order } = thinkingServer();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const asked = [
      bob.publish('/slow', 1),
      ask(server, [ann.message('/slow', { data: 2 }), bob.message('/fast', { data: 3 })]),
    ];
    await settle();
    expect(waiting).toHaveLength(2);
    waiting[1]?.(true);
    await settle();
    expect(order).toEqual([2]);
    goOn();
    await Promise.all(asked);
    expect(order).toEqual([2, 1, 3]);
  });

  it('keep it at random', async () => {
    const random = () =>
      new Promise<boolean>((resolve) => {
        const turns = Math.floor(Math.random() * 4);
        if (turns === 0) resolve(true);
        else void settle(turns).then(() => resolve(true));
      });
    const { server } = serve({
      policy: { canPublish: ({ message }) => (message.id === '7' ? true : random()) },
    });
    const client = await FakeClient.connected(server);
    const order: unknown[] = [];
    server.on('published', ({ data }) => order.push(data));
    await Promise.all(Array.from({ length: 60 }, (_, at) => client.publish('/a', at)));
    expect(order).toEqual(Array.from({ length: 60 }, (_, at) => at));
  });

  it('do not wait for a connect that is held, nor it for them', async () => {
    const { server, goOn } = thinkingServer();
    const client = await FakeClient.connected(server);
    await client.connect();
    expect((await client.publish('/fast', 1)).reply).toMatchObject({ successful: true });
    const slow = client.publish('/slow', 1);
    await settle();
    expect((await client.connect({ advice: { timeout: 0 } })).reply).toMatchObject({ successful: true });
    goOn();
    await slow;
  });

  it('do not wait for those of another', async () => {
    const { server, goOn } = thinkingServer();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const slow = ann.publish('/slow', 1);
    expect((await bob.publish('/fast', 1)).reply).toMatchObject({ successful: true });
    goOn();
    await slow;
  });

  it('are turned away when too many wait, before any takes effect', async () => {
    const { server, waiting, goOn } = thinkingServer();
    const client = await FakeClient.connected(server);
    const queued = Array.from({ length: 100 }, (_, at) => client.publish(at === 0 ? '/slow' : '/fast', at));
    await settle();
    const oneMore = await client.publish('/fast', 'too many');
    expect([oneMore.messages, oneMore.ends]).toEqual([[], ['capacity']]);
    expect((await client.connect({ advice: { timeout: 0 } })).reply).toMatchObject({ successful: true });
    expect(waiting).toHaveLength(1);
    goOn();
    expect((await Promise.all(queued)).every(({ reply }) => reply.successful === true)).toBe(true);
    expect((await client.publish('/fast', 1)).reply).toMatchObject({ successful: true });
  });

  const big = 'x'.repeat(10_000);

  it('are turned away when those that wait take too much memory, and the log says so', async () => {
    const { server, goOn, refused } = limited({ maxWaitingBytes: 50_000 });
    const client = await FakeClient.connected(server);
    const slow = client.publish('/slow', big);
    const second = client.publish('/fast', big);
    expect((await client.publish('/fast', big)).ends).toEqual(['capacity']);
    expect((await client.publish('/fast', big)).ends).toEqual(['capacity']);
    expect(refused()).toMatchObject([
      { option: 'maxWaitingBytes', limit: 50_000, session: client.session.id, count: 1 },
    ]);
    const small = client.publish('/fast', 1);
    goOn();
    for (const one of [slow, second, small]) expect((await one).reply).toMatchObject({ successful: true });
    expect([client.session.waitingBytes, server.intake.used]).toEqual([0, 0]);
    expect((await client.publish('/fast', big)).reply).toMatchObject({ successful: true });
  });

  it('are not when one alone takes too much', async () => {
    const { server, goOn } = limited({ maxWaitingBytes: 1000 });
    const client = await FakeClient.connected(server);
    const slow = client.publish('/slow', big);
    goOn();
    expect((await slow).reply).toMatchObject({ successful: true });
  });
});

describe('messages of all sessions that are at work (maxIncomingBytes)', () => {
  it.each([
    ['exchange', exchange],
    ['socket', socket],
  ])('have room for a quarter of what is free: more ends an %s', async (_shape, make) => {
    const { server, goOn, refused } = limited({ maxIncomingBytes: 100_000 });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const slow = ann.publish('/slow', 'x'.repeat(10_000));
    expect((await bob.publish('/fast', 'x'.repeat(11_000), make())).ends).toEqual(['capacity']);
    expect((await bob.publish('/fast', 'x'.repeat(5000), make())).ends).toEqual([]);
    expect(refused()).toMatchObject([{ option: 'maxIncomingBytes', limit: 100_000, count: 1 }]);
    goOn();
    await slow;
    expect(server.intake.used).toBe(0);
    expect((await bob.publish('/fast', 'x'.repeat(100_000))).reply).toMatchObject({ successful: true });
  });

  it.each([
    ['exchange', exchange],
    ['socket', socket],
  ])('and large connects that are held have that room as well: more ends an %s', async (_shape, make) => {
    const { server, refused } = limited({ maxIncomingBytes: 100_000 });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const large = { ext: { token: 'x'.repeat(10_000) } };
    await ann.connect({ ...large, surplus: { list: [1, 2] } }, make());
    expect(server.intake.used).toBeGreaterThan(20_000);
    expect((await bob.connect(large, make())).ends).toEqual(['capacity']);
    expect([ann.session.state, bob.session.state]).toEqual(['held', 'idle']);
    expect(refused()).toMatchObject([{ option: 'maxIncomingBytes', limit: 100_000, count: 1 }]);
    await ann.connect({ ext: { ack: 1 } });
    expect(server.intake.used).toBe(0);
    await bob.connect(large, make());
    expect(bob.session.state).toBe('held');
    bob.session.disconnect();
    expect(server.intake.used).toBe(0);
  });

  it('have room for a connect alone only as far as all of them have', async () => {
    const { server, refused } = limited({ maxIncomingBytes: 10_000 });
    const client = await FakeClient.connected(server);
    expect((await client.connect({ surplus: 'x'.repeat(10_000) })).ends).toEqual(['capacity']);
    expect([client.session.state, refused().length]).toEqual(['idle', 1]);
    await client.connect({ ext: { ack: 1 } });
    expect([client.session.state, server.intake.used]).toEqual(['held', 0]);
  });

  it('of the application itself are never refused', async () => {
    const { server, goOn } = limited({ maxIncomingBytes: 100_000 });
    const [ann, own] = [await FakeClient.connected(server), await server.localSession()];
    const slow = ann.publish('/slow', 'x'.repeat(10_000));
    await own.publish('/fast', 'x'.repeat(100_000));
    goOn();
    await slow;
  });
});

describe('precedence of failures (ERR-5)', () => {
  it.each([
    [{ id: {}, data: 1 }, '405::message_id_invalid'],
    [{ channel: 7, clientId: 'x' }, '400::channel_missing'],
    [{ channel: '/bad/', clientId: 'x' }, '405:/bad/:channel_invalid'],
    [{ channel: '/deleted', clientId: 'x' }, '404::message_deleted'],
    [{ channel: '/a', clientId: 'x' }, '402::session_unknown'],
    [{ channel: '/meta/evil', clientId: 'x', data: 1 }, '402::session_unknown'],
    [{ channel: '/meta/subscribe', clientId: 'x' }, '402::session_unknown'],
  ])('%j fails with %s', async (message, error) => {
    const { server } = serve({
      extensions: [
        { name: 'deleting', incoming: (request) => (request.channel === '/deleted' ? undefined : request) },
      ],
    });
    expect((await ask(server, message)).reply).toMatchObject({ successful: false, error });
  });
});
