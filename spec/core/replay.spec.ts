import { replaysOf } from '../support/replays-of.ts';
import { describe, expect, it } from 'vitest';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import type { Server, ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket, stream, type Wire } from '../support/fake-conduit.ts';
import { HeldHistory } from '../support/held-history.ts';
import { SlowHistory } from '../support/slow-history.ts';
import { settle, turn, until } from '../support/until.ts';

const durable: ServerSettings = { channels: { '/d/**': { history: true }, '/d/not/**': { history: false } } };

/** A server that keeps what is published below `/d`. */
const keep = (settings: ServerSettings = {}) => serve({ ...durable, ...settings });

/** Publishes numbers to a channel, and tells their replay ids. */
async function fill(server: Server, channel: string, numbers: readonly number[]): Promise<number[]> {
  const session = await server.localSession();
  const ids: number[] = [];
  await session.subscribe(channel, ({ ext }) => void ids.push(Number(ext?.replayId)));
  for (const number of numbers) {
    await server.publish(channel, number);
    await turn();
  }
  await session.disconnect();
  return ids;
}

/** Subscribes and asks for what came before. */
function ask(client: FakeClient, subscription: unknown, replay: unknown, conduit = exchange()) {
  return client.send(client.message('/meta/subscribe', { subscription, ext: { replay } }), conduit);
}

/** What a client that polls gets until nothing comes at once. */
async function poll(client: FakeClient, fields: Wire = {}): Promise<unknown[]> {
  const got: unknown[] = [];
  for (let times = 0; ; times += 1) {
    if (times > 100) throw new Error('it never ends');
    await settle();
    const answered = await client.connect({ advice: { timeout: 0 }, ...fields });
    if (answered.data.length === 0) return got;
    got.push(...answered.data);
  }
}

const span = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

/** A server whose history answers when it is told to. */
function slow(settings: ServerSettings = {}) {
  let open: (() => void)[] = [];
  const store = new SlowHistory((what) =>
    what === 'read' ? new Promise((resolve) => void open.push(resolve)) : Promise.resolve(),
  );
  const letRead = async () => {
    await settle();
    const now = open;
    open = [];
    for (const resolve of now) resolve();
    await settle();
  };
  return { ...keep({ history: store, ...settings }), store, letRead };
}

describe('a subscription with a replay position', () => {
  it('gets what is new with -1, without an entry, and with null (RP-2, RP-4)', async () => {
    const { server } = keep();
    await fill(server, '/d/a', [1, 2]);
    for (const replay of [{ '/d/a': -1 }, {}, { '/d/a': null }, undefined, 'x', [], { '/d/b': -2 }]) {
      const client = await FakeClient.connected(server);
      expect((await ask(client, '/d/a', replay)).reply).toMatchObject({ successful: true });
      await server.publish('/d/a', 3);
      expect(await poll(client)).toEqual([3]);
      await client.disconnect();
    }
  });

  it.each([-2, '-2'])(
    'gets all there is with %j, after the reply, and then what is new (RP-9)',
    async (all) => {
      const { server } = keep();
      const ids = await fill(server, '/d/a', [1, 2]);
      const client = await FakeClient.connected(server);
      const { messages } = await ask(client, '/d/a', { '/d/a': all });
      expect(messages).toEqual([
        {
          id: expect.anything(),
          channel: '/meta/subscribe',
          clientId: client.clientId,
          successful: true,
          subscription: '/d/a',
          ext: { replay: { '/d/a': { recovered: false, oldest: ids[0], newest: ids[1] } } },
        },
      ]);
      await server.publish('/d/a', 3);
      expect(await poll(client)).toEqual([1, 2, 3]);
      await server.publish('/d/a', 4);
      expect(await poll(client)).toEqual([4]);
    },
  );

  it.each([Number, String])('gets what came after an id, given as a %o (RP-2, RP-17)', async (as) => {
    const { server } = keep();
    const ids = await fill(server, '/d/a', [1, 2, 3]);
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, '/d/a', { '/d/a': as(ids[1]) });
    expect(reply.ext).toEqual({ replay: { '/d/a': { recovered: true, oldest: ids[0], newest: ids[2] } } });
    expect(await poll(client)).toEqual([3]);
  });

  it('hears of no oldest id where nothing is kept', async () => {
    const { server } = keep();
    const [id] = await fill(server, '/d/b', [1]);
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, '/d/a', { '/d/a': -2 });
    expect(reply.ext).toEqual({ replay: { '/d/a': { recovered: false, newest: id } } });
  });

  it('with an array, each entry has its own (RP-3)', async () => {
    const { server } = keep();
    const ids = await fill(server, '/d/a', [1, 2]);
    await fill(server, '/d/b', [3]);
    await fill(server, '/d/c', [4]);
    const client = await FakeClient.connected(server);
    const asked = { '/d/a': ids[0], '/d/b': -2, '/d/*': -2 };
    const { reply } = await ask(client, ['/d/a', '/d/b', '/d/c'], asked);
    expect(Object.keys((reply.ext as Wire).replay as Wire)).toEqual(['/d/a', '/d/b']);
    expect(await poll(client)).toEqual([2, 3]);
  });

  it.each([
    ['/plain', 7],
    ['/d/not/kept', 'x'],
    ['/plain/**', {}],
    ['/service/x', 7],
  ])('is as any other where nothing is kept: %s (RP-4)', async (subscription, position) => {
    const { server } = keep();
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, subscription, { [subscription]: position });
    expect(reply).toMatchObject({ successful: true });
    expect(reply).not.toHaveProperty('ext');
  });

  it('of a pattern gets all durable channels it matches, merged by id (RP-11)', async () => {
    const { server } = keep();
    await fill(server, '/d/a', [1]);
    await fill(server, '/d/b/c', [2]);
    await server.publish('/d/not/x', 'not kept');
    await fill(server, '/d/a', [3]);
    const client = await FakeClient.connected(server);
    await ask(client, '/**', { '/**': -2 });
    expect(await poll(client)).toEqual([1, 2, 3]);
    const narrow = await FakeClient.connected(server);
    await ask(narrow, '/d/*', { '/d/*': -2, '/**': -1 });
    expect(await poll(narrow)).toEqual([1, 3]);
  });

  it('needs permission before anything is told of what is kept (RP-12)', async () => {
    const { server } = keep({ policy: { canSubscribe: ({ channel }) => channel !== '/d/secret' } });
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, '/d/secret', { '/d/secret': 1 });
    expect(reply.error).toBe('403:/d/secret:subscribe_denied');
    expect(reply).not.toHaveProperty('ext');
  });

  it('is replayed only when the whole response was written, however long that takes (RP-9, PR-6)', async () => {
    const { server } = keep({ policy: { canPublish: () => settle().then(() => true) } });
    await fill(server, '/d/a', [1, 2]);
    const client = await FakeClient.connected(server);
    const { messages } = await client.send([
      client.message('/meta/subscribe', { subscription: '/d/a', ext: { replay: { '/d/a': -2 } } }),
      client.message('/plain', { data: 0 }),
    ]);
    expect(messages.map(({ channel }) => channel)).toEqual(['/meta/subscribe', '/plain']);
    expect(await poll(client)).toEqual([1, 2]);
  });

  it('asked for again, is replayed again (RP-13)', async () => {
    const { server } = keep();
    await fill(server, '/d/a', [1, 2]);
    const client = await FakeClient.connected(server);
    for (let times = 0; times < 2; times += 1) {
      await ask(client, '/d/a', { '/d/a': -2 });
      expect(await poll(client)).toEqual([1, 2]);
    }
  });
});

describe('a position that is none', () => {
  it.each([1.5, '1.5', -3, '-3', 'x', '', '1e3', true, {}, [], 2 ** 53, '9'.repeat(20)])(
    'fails, and nothing is subscribed: %j (RP-5)',
    async (position) => {
      for (const onGap of ['fail', 'earliest'] as const) {
        const { server } = keep({ replay: { onGap } });
        const client = await FakeClient.connected(server);
        const { reply } = await ask(client, ['/d/a', '/d/b'], { '/d/a': -2, '/d/b': position });
        const shown = typeof position === 'number' || typeof position === 'string' ? position : '';
        expect(reply.error).toBe(`400:/d/b,${shown}:replay_id_invalid`);
        expect(client.session.subscriptions.size).toBe(0);
      }
    },
  );

  it('names each that is wrong (SB-2)', async () => {
    const { server } = keep();
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, ['/d/a', '/d/b', '/d/c'], { '/d/a': -3, '/d/b': -2, '/d/c': '<x>' });
    expect(reply.error).toBe('400:/d/a,-3,/d/c,:replay_id_invalid');
  });
});

describe('a gap', () => {
  const few: ServerSettings = { channels: { '/d/**': { history: { maxEvents: 2 } } } };

  it.each([
    ['was discarded', (ids: number[]) => Number(ids[0])],
    ['was never there', (ids: number[]) => Number(ids[3]) + 1],
    ['was of another store', () => 0],
  ])('fails where what follows the id %s (RP-5)', async (_what, position) => {
    const { server } = keep(few);
    const ids = await fill(server, '/d/a', [1, 2, 3, 4]);
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, '/d/a', { '/d/a': position(ids) });
    expect(reply.error).toBe(`400:/d/a,${position(ids)}:replay_id_invalid`);
    expect(client.session.subscriptions.size).toBe(0);
    await server.publish('/d/a', 5);
    expect(await poll(client)).toEqual([]);
  });

  it('is told instead, with all there is, where the server wants that (RP-5, RP-17)', async () => {
    const { server } = keep({ ...few, replay: { onGap: 'earliest' } });
    const ids = await fill(server, '/d/a', [1, 2, 3, 4]);
    for (const position of [ids[0], Number(ids[3]) + 1, 0]) {
      const client = await FakeClient.connected(server);
      const { reply } = await ask(client, '/d/a', { '/d/a': position });
      expect(reply.ext).toEqual({ replay: { '/d/a': { recovered: false, oldest: ids[2], newest: ids[3] } } });
      expect(await poll(client)).toEqual([3, 4]);
    }
  });

  it('is none where only what the client has was discarded', async () => {
    const { server } = keep(few);
    const ids = await fill(server, '/d/a', [1, 2, 3, 4]);
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, '/d/a', { '/d/a': ids[1] });
    expect(reply).toMatchObject({ successful: true, ext: { replay: { '/d/a': { recovered: true } } } });
    expect(await poll(client)).toEqual([3, 4]);
  });
});

describe('a long replay', () => {
  const many = span(0, 1234);

  it('comes page by page as a poll takes it, and counts for nothing that may wait (RP-10)', async () => {
    const { server } = keep({ maxQueue: 5 });
    await fill(server, '/d/a', many);
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    await settle();
    expect(client.session.outbox.size).toBe(500);
    // The next one is answered at once (CN-7): no page has to be waited for.
    const polls: number[] = [];
    for (let left = many.length; left > 0 && polls.length < 20; left -= polls.at(-1) ?? 0) {
      const { data } = await client.connect({}, exchange());
      expect(data).toEqual(many.slice(-left).slice(0, 500));
      polls.push(data.length);
      await settle();
    }
    expect(polls).toEqual([500, 500, 234]);
    expect(replaysOf(client.session)?.isEmpty).toBe(true);
  });

  it('reads on before all of a page was sent only when it was (DL-11)', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 600));
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    await settle();
    const { data } = await client.connect({}, exchange({ maxBytes: 10_000 }));
    await settle();
    expect(client.session.outbox.size).toBe(500 - data.length);
    expect(await poll(client)).toEqual(span(data.length, 600));
  });

  it.each([
    ['a WebSocket', socket, {}],
    ['an event stream', stream, {}],
    ['callback-polling', () => exchange({ transport: 'callback-polling' }), {}],
    ['a WebSocket whose session is deliverOnly', socket, { metaConnectDeliverOnly: true }],
  ] as const)('comes by %s, one page a turn', async (_name, make, settings) => {
    const { server } = keep(settings);
    await fill(server, '/d/a', many);
    const way = make();
    const client = await FakeClient.connected(server, way.shape === 'socket' ? way : undefined);
    if (way.shape === 'stream') void server.joinStream(client.clientId, way);
    await ask(client, '/d/a', { '/d/a': -2 }, way.shape === 'socket' ? way : make());
    const got = () => way.data.length;
    for (let times = 0; times < 20 && got() < many.length; times += 1) {
      await settle();
      const before = got();
      if (way.shape === 'exchange' || 'metaConnectDeliverOnly' in settings) {
        const conduit = way.shape === 'exchange' ? exchange({ transport: 'callback-polling' }) : way;
        await client.connect({}, conduit);
        if (conduit !== way) way.batches.push(...conduit.batches);
      }
      await settle(2);
      expect(got() - before).toBeLessThanOrEqual(2 * 500);
    }
    expect(way.data).toEqual(many);
    await server.publish('/d/a', 'live');
    if (way.shape === 'exchange' || 'metaConnectDeliverOnly' in settings)
      expect(await poll(client)).toEqual(['live']);
    else await until(() => way.data.at(-1) === 'live');
  });

  it('stops while a socket takes no more (WS-15)', async () => {
    const { server } = keep();
    await fill(server, '/d/a', many);
    const way = socket();
    const client = await FakeClient.connected(server, way);
    await ask(client, '/d/a', { '/d/a': -2 }, way);
    way.full = true;
    await settle(10);
    expect(client.session.outbox.size).toBe(500);
    way.full = false;
    await client.publish('/plain', 0, way);
    await client.connect({}, way);
    await until(() => way.data.length === many.length);
    expect(way.data).toEqual(many);
  });

  it('leaves room for live events on other channels', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 700));
    const client = await FakeClient.connected(server);
    await ask(client, ['/d/a', '/d/b', '/plain'], { '/d/a': -2 });
    await settle();
    await server.publish('/d/b', 'other');
    await server.publish('/plain', 'plain');
    await server.publish('/d/a', 700);
    const got = await poll(client);
    expect(got.filter((one) => typeof one === 'number')).toEqual(span(0, 701));
    expect(got.slice(500, 502)).toEqual(['other', 'plain']);
  });

  it('leaves room for what is not kept', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 700));
    const way = socket();
    const client = await FakeClient.connected(server, way);
    await ask(client, '/d/a', { '/d/a': -2 }, way);
    await server.publish('/d/a', 'volatile', { volatile: true });
    await until(() => way.data.length === 701);
    expect(way.data.filter((one) => one !== 'volatile')).toEqual(span(0, 700));
    expect(way.data.indexOf('volatile')).toBeLessThan(700);
  });

  it('comes with acknowledgements, again where a reply was lost (RP-15)', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 1100));
    const client = await FakeClient.open(server, exchange(), { ext: { ack: true } });
    await client.connect({ ext: { ack: 0 } });
    await ask(client, '/d/a', { '/d/a': -2 });
    await settle();
    const lost = await client.connect({ ext: { ack: 1 } });
    expect(lost.data).toEqual(span(0, 500));
    await settle();
    const got: unknown[] = [];
    let seen = 1;
    for (let times = 0; times < 20 && got.length < 1100; times += 1) {
      // What the lost reply took is sent again, and only then is more read: meanwhile the connect may be held.
      const answered = await client.connect({ ext: { ack: seen } });
      await settle();
      got.push(...answered.data);
      seen = Number((answered.reply.ext as Wire).ack);
    }
    expect(got).toEqual(span(0, 1100));
  });

  it('is not read ahead for a client that acknowledges nothing', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 3000));
    const client = await FakeClient.open(server, exchange(), { ext: { ack: true } });
    await ask(client, '/d/a', { '/d/a': -2 });
    let most = 0;
    for (let times = 0; times < 10; times += 1) {
      await settle();
      most = Math.max(most, (await client.connect({ ext: { ack: 0 } })).data.length);
    }
    expect(most).toBeLessThanOrEqual(1000);
    // And goes on when it does.
    let seen = 99;
    const got = new Set<unknown>();
    for (let times = 0; times < 20 && !got.has(2999); times += 1) {
      await settle();
      const { data, reply } = await client.connect({ ext: { ack: seen }, advice: { timeout: 0 } });
      for (const one of data) got.add(one);
      seen = Number((reply.ext as Wire).ack);
    }
    expect(got.has(2999)).toBe(true);
  });
});

describe('what is published while a replay reads', () => {
  it.each([0, 1, 2])('comes behind what was read, once (%i times waited)', async (waits) => {
    const { server, letRead } = slow();
    await fill(server, '/d/a', [1, 2]);
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    for (let at = 0; at < waits; at += 1) await letRead();
    await server.publish('/d/a', 3);
    for (let at = 0; at < 3; at += 1) await letRead();
    expect(await poll(client)).toEqual([1, 2, 3]);
    await server.publish('/d/a', 4);
    expect(await poll(client)).toEqual([4]);
  });

  it('is read, too, where it is more than a page', async () => {
    const { server, letRead, store } = slow();
    await fill(server, '/d/a', [0]);
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    await letRead();
    for (const number of span(1, 1002)) await server.publish('/d/a', number);
    const got: unknown[] = [];
    for (let times = 0; times < 20 && got.length < 1002; times += 1) {
      await letRead();
      await letRead();
      got.push(...(await client.connect({ advice: { timeout: 0 } })).data);
    }
    expect(got).toEqual(span(0, 1002));
    expect(store.kept.usage.events).toBe(1002);
  });

  it('comes live to those who only subscribe', async () => {
    const { server } = slow();
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -1 });
    await server.publish('/d/a', 1);
    expect(await poll(client)).toEqual([1]);
  });
});

describe('several replays of a session', () => {
  it('run one after another, each event once, in the order of ids for each', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 600));
    await fill(server, '/d/b', span(1000, 1600));
    const client = await FakeClient.connected(server);
    await ask(client, ['/d/a', '/d/b'], { '/d/a': -2, '/d/b': -2 });
    await settle();
    await server.publish('/d/b', 1600);
    await server.publish('/d/a', 600);
    expect(await poll(client)).toEqual([...span(0, 601), ...span(1000, 1601)]);
  });

  it('end with their subscription', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 1500));
    const client = await FakeClient.connected(server);
    await ask(client, ['/d/a', '/d/b'], { '/d/a': -2, '/d/b': -2 });
    await settle();
    expect((await client.unsubscribe('/d/a')).data).toEqual(span(0, 500));
    await server.publish('/d/a', 1500);
    await server.publish('/d/b', 'b');
    expect(await poll(client)).toEqual(['b']);
  });

  it('bring what they kept from other subscriptions, also when their own is dropped', async () => {
    const { server } = keep();
    await fill(server, '/d/a', span(0, 700));
    const client = await FakeClient.connected(server);
    await client.subscribe(['/d/a', '/d/b']);
    await ask(client, '/d/**', { '/d/**': -2 });
    await settle();
    await server.publish('/d/a', 'a');
    await server.publish('/d/c', 'c');
    await server.publish('/d/b', 'b');
    expect((await client.unsubscribe('/d/**')).data).toEqual(span(0, 500));
    expect(await poll(client)).toEqual(['a', 'b']);
  });

  it('give way to a newer one of the same subscription', async () => {
    const { server } = keep();
    const ids = await fill(server, '/d/a', span(0, 700));
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    await settle();
    expect((await client.connect()).data).toEqual(span(0, 500));
    await ask(client, '/d/a', { '/d/a': ids[650] });
    await server.publish('/d/a', 700);
    const got = await poll(client);
    expect(got.slice(-50)).toEqual(span(651, 701));
  });

  it('end the session where a newer one cannot bring what an older one kept from others', async () => {
    const { server } = keep({ channels: { '/d/**': { history: { maxEvents: 2 } } } });
    const client = await FakeClient.connected(server);
    await client.subscribe('/d/a');
    await ask(client, '/d/*', { '/d/*': -2 });
    for (const number of [1, 2, 3]) await server.publish('/d/a', number);
    // All this is one turn: nothing was read yet, and 1 is gone.
    await ask(client, '/d/*', { '/d/*': -2 });
    await settle();
    expect(client.session.state).toBe('gone');
  });

  it('bring nothing twice when they are dropped while they read', async () => {
    const { server, letRead } = slow();
    const client = await FakeClient.connected(server);
    await client.subscribe('/d/a');
    await fill(server, '/d/a', [1, 2]);
    expect(await poll(client)).toEqual([1, 2]);
    await ask(client, '/d/**', { '/d/**': -2 });
    await letRead();
    await server.publish('/d/a', 3);
    await client.unsubscribe('/d/**');
    for (let times = 0; times < 4; times += 1) await letRead();
    expect(await poll(client)).toEqual([3]);
  });

  it('leave nothing behind when the session ends', async () => {
    const { server, clock } = keep();
    await fill(server, '/d/a', span(0, 1500));
    const timers = clock.pending;
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    await settle();
    await client.disconnect();
    await settle();
    expect(client.session.outbox.size).toBe(0);
    expect(replaysOf(client.session)?.isEmpty).toBe(true);
    expect(clock.pending).toBe(timers);
  });
});

describe('a replay that cannot go on', () => {
  const told = {
    successful: false,
    error: '402::session_unknown',
    advice: { reconnect: 'handshake', interval: 1000, timeout: 30_000 },
  };

  it('ends the session where events were discarded before it read them', async () => {
    const { server } = keep({ channels: { '/d/**': { history: { maxEvents: 600 } } } });
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => void reasons.push(reason));
    await fill(server, '/d/a', span(0, 600));
    const client = await FakeClient.connected(server);
    await ask(client, '/d/a', { '/d/a': -2 });
    await settle();
    for (const number of span(600, 1200)) await server.publish('/d/a', number);
    const first = await client.connect();
    expect(first.data).toEqual(span(0, 500));
    const held = exchange();
    await client.connect({}, held);
    await settle();
    expect(held.messages).toMatchObject([told]);
    expect(reasons.at(-1)).toBe('history');
    expect((await client.connect()).reply).toMatchObject({ error: '402::session_unknown' });
  });

  it.each([1, 3, 4])(
    'tries again after a second, up to three times, where a read fails (%i times)',
    async (failures) => {
      const errors: unknown[] = [];
      let left = 0;
      const store = new SlowHistory(async (what) => {
        if (what !== 'read' || left === 0) return;
        left -= 1;
        throw new Error('disk on fire');
      });
      const { server, clock } = keep({ history: store, log: ({ event }) => void errors.push(event) });
      await fill(server, '/d/a', [1, 2]);
      const client = await FakeClient.connected(server);
      const held = exchange();
      await client.connect({}, held);
      left = failures;
      await ask(client, '/d/a', { '/d/a': -2 });
      await server.publish('/d/a', 3);
      for (let at = 0; at < 3; at += 1) {
        expect(held.messages).toEqual([]);
        await clock.tick(1000);
        if (held.messages.length > 0) break;
      }
      expect(errors.filter((event) => event === 'replay.failed')).toHaveLength(failures);
      if (failures === 4) expect(held.messages).toMatchObject([told]);
      else expect(held.data).toEqual([1, 2, 3]);
      expect(client.session.state).toBe(failures === 4 ? 'gone' : 'idle');
    },
  );

  it('fails the subscribe where it is not even known what there is', async () => {
    const store = new SlowHistory((what) =>
      what === 'range' ? Promise.reject(new Error('disk on fire')) : Promise.resolve(),
    );
    const { server } = keep({ history: store });
    const client = await FakeClient.connected(server);
    expect((await ask(client, '/d/a', { '/d/a': -2 })).reply.error).toBe('500::server_error');
    expect(client.session.subscriptions.size).toBe(0);
  });
});

describe('after a restart', () => {
  it('goes on where it was', async () => {
    const history = new MemoryHistory();
    const before = keep({ history });
    const ids = await fill(before.server, '/d/a', [1, 2]);
    await before.server.close();
    const { server } = keep({ history });
    const client = await FakeClient.connected(server);
    const { reply } = await ask(client, '/d/a', { '/d/a': ids[0] });
    expect(reply).toMatchObject({ ext: { replay: { '/d/a': { recovered: true, newest: ids[1] } } } });
    await server.publish('/d/a', 3);
    expect(await poll(client)).toEqual([2, 3]);
  });

  it('knows nothing of what another store had', async () => {
    const before = keep();
    const [id] = await fill(before.server, '/d/a', [1]);
    const { server, clock } = serve({ ...durable });
    await clock.tick(10);
    const later = serve({ ...durable });
    await later.clock.tick(10);
    for (const each of [server, later.server]) {
      const client = await FakeClient.connected(each);
      const { reply } = await ask(client, '/d/a', { '/d/a': id });
      expect(reply.error).toBe(`400:/d/a,${id}:replay_id_invalid`);
    }
  });
});

describe('a session in this process', () => {
  it('may ask for what came before', async () => {
    const { server } = keep();
    const ids = await fill(server, '/d/a', [1, 2, 3]);
    const session = await server.localSession();
    const got: unknown[] = [];
    await session.subscribe('/d/a', ({ data }) => void got.push(data), ids[0]);
    await server.publish('/d/a', 4);
    await until(() => got.length === 3);
    expect(got).toEqual([2, 3, 4]);
    await expect(session.subscribe('/d/b', () => {}, 7)).rejects.toThrow('400:/d/b,7:replay_id_invalid');
  });
});

describe('an id that nobody was told yet', () => {
  it('is no promise that its event has come, once an earlier one is asked for (RP-13)', async () => {
    const history = new HeldHistory();
    const { server } = keep({ history });
    await server.open();
    const published = server.publish('/d/a', 1);
    const early = history.kept.newest;
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    for (const id of [early, early - 1]) {
      await ask(client, '/d/a', { '/d/a': id }, wire);
      await settle();
    }
    history.appends[0]?.store();
    await published;
    await settle();
    expect(wire.data).toEqual([1]);
  });
});
