import { describe, expect, it } from 'vitest';
import type { ApiKey, ServerSettings } from '../../../src/index.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { exchange, socket } from '../../support/fake-conduit.ts';
import { KEY, probe } from './probe.ts';

const reader: ApiKey = { name: 'reader', key: 'a-key-that-reads-all', rights: ['read'], channels: ['/**'] };
const chat: ApiKey = { name: 'chat', key: 'a-key-for-the-chat', rights: ['read'], channels: ['/chat/**'] };
const writer: ApiKey = { name: 'writer', key: 'a-key-that-writes', rights: ['publish'], channels: ['/**'] };

/** A server with keys, and a GET with one of them. */
async function reading(settings: ServerSettings = {}) {
  const started = await probe({ key: KEY, keys: [reader, chat, writer] }, settings);
  const read = async (path: string, { key }: { readonly key?: string | undefined } = reader) =>
    started.get(path, { key });
  return { ...started, read };
}

const channels = { '/chat/**': { history: true } } as const;
const named = (user: string) => ({ policy: { canHandshake: () => ({ allow: true, user }) as const } });

describe('GET /history', () => {
  it('gives the newest events, oldest first', async () => {
    const { read, server } = await reading({ channels });
    for (let at = 0; at < 30; at += 1) await server.publish(`/chat/${at % 2 === 0 ? 'a' : 'b'}`, at);
    const newest = async (query: string) => {
      const { body } = await read(`/history?${query}`, chat);
      expect(Object.keys(body)).toEqual(['events']);
      return body.events.map(({ data }: { data: unknown }) => data);
    };
    expect(await newest('channel=/chat/a&last=3')).toEqual([24, 26, 28]);
    expect(await newest('channel=/chat/**&last=2')).toEqual([28, 29]);
    // More than a page of the store.
    expect(await newest('channel=/chat/*&last=25')).toEqual(Array.from({ length: 25 }, (_, at) => at + 5));
    expect(await newest('channel=/chat/a&last=1000')).toHaveLength(15);
    expect(await newest('channel=/chat/none&last=5')).toEqual([]);
  });

  it('gives fewer of the newest events where they are large, but at least one', async () => {
    const { read, server } = await reading({ channels });
    for (let at = 0; at < 5; at += 1) await server.publish('/chat/a', { at, text: 'x'.repeat(600_000) });
    const { body } = await read('/history?channel=/chat/a&last=5', chat);
    expect(body.events.map(({ data }: { data: { at: number } }) => data.at)).toEqual([3, 4]);
  });

  it.each(['after=1', 'limit=1'])('takes last without %s', async (other) => {
    const { read } = await reading({ channels });
    const { body } = await read(`/history?channel=/chat/a&last=1&${other}`, chat);
    expect(body).toMatchObject({
      status: 400,
      code: 'query_invalid',
      detail: 'last excludes after and limit: leave them out',
      errors: [{ parameter: 'last' }],
    });
  });

  it('gives pages of what was published', async () => {
    const { read, server, clock } = await reading({ channels });
    for (let at = 0; at < 5; at += 1) await server.publish('/chat/a', { at }, { ext: { n: at } });
    const first = await read('/history?channel=/chat/a&limit=3', chat);
    expect(first.status).toBe(200);
    const [{ id }] = first.body.events;
    expect(first.body.events[0]).toEqual({
      id,
      at: clock.now(),
      channel: '/chat/a',
      data: { at: 0 },
      ext: { n: 0 },
    });
    const { body: rest } = await read(`/history?channel=/chat/*&after=${first.body.next}`, chat);
    expect(rest.events.map(({ data }: { data: unknown }) => data)).toEqual([{ at: 3 }, { at: 4 }]);
    expect([rest.next, rest.recovered]).toEqual([undefined, true]);
    expect((await read('/history?channel=/chat/a&after=1')).body.recovered).toBe(false);
  });

  it.each([
    ['/history', chat, 400, 'query_invalid', 'channel is missing'],
    ['/history?channel=chat', chat, 400, 'channel_invalid', 'channel must begin with "/"'],
    ['/history?channel=/chat/a&limit=0', chat, 400, 'query_invalid', 'limit must be >= 1'],
    ['/history?channel=/chat/a&limit=x', chat, 400, 'query_invalid', 'limit must be integer'],
    ['/history?channel=/chat/a&after=-1', chat, 400, 'query_invalid', 'after must be >= 0'],
    [
      '/history?channel=/chat/a&after=18014398509481983',
      chat,
      400,
      'query_invalid',
      'after must be <= 90071',
    ],
    ['/history?channel=/chat/a&channel=/b', chat, 400, 'query_invalid', '"channel" comes twice'],
    [
      '/history?channel=/chat/a&afer=1',
      chat,
      400,
      'query_invalid',
      '"afer" is not a parameter; did you mean "after"?',
    ],
    ['/history?channel=/chat/a&__proto__=1', chat, 400, 'query_invalid', '"__proto__" is not a parameter'],
    [
      '/history?channel=/**',
      chat,
      403,
      'channel_denied',
      'the key "chat" may not read /**: its channels are /chat/**',
    ],
    [
      '/history?channel=/chat/a',
      writer,
      403,
      'right_missing',
      'the key "writer" does not have the right read',
    ],
    [
      '/history?channel=/other',
      reader,
      404,
      'history_off',
      'the server keeps no history of /other: set "history"',
    ],
  ])('%s gets a problem', async (path, key, status, code, detail) => {
    const { read } = await reading({ channels });
    const { body } = await read(path, key);
    expect(body).toMatchObject({ status, code });
    expect(body.detail).toContain(detail);
  });

  it('says that a history cannot be read, and only the log says why', async () => {
    const { read, server, events } = await reading({ channels });
    const error = new Error('the disk is on fire');
    server.history = () => Promise.reject(error);
    const { body } = await read('/history?channel=/chat/a');
    expect(body).toMatchObject({ status: 503, code: 'history_failed' });
    expect(JSON.stringify(body)).not.toContain('fire');
    expect(events).toContainEqual({ level: 'error', event: 'api.history_failed', error });
  });
});

describe('GET /channels', () => {
  it('lists names and patterns that a pattern covers, by name, in pages', async () => {
    const { read, server } = await reading();
    const one = await FakeClient.connected(server);
    const two = await FakeClient.connected(server);
    await one.subscribe(['/chat/c', '/chat/a', '/chat/*', '/chat/**', '/other']);
    await two.subscribe(['/chat/a', '/chat/b/c']);
    const { body: all } = await read('/channels');
    expect(all.channels).toEqual([
      { channel: '/chat/*', sessions: 1 },
      { channel: '/chat/**', sessions: 1 },
      { channel: '/chat/a', sessions: 2 },
      { channel: '/chat/b/c', sessions: 1 },
      { channel: '/chat/c', sessions: 1 },
      { channel: '/other', sessions: 1 },
    ]);
    const names = async (query: string) => {
      const { body } = await read(`/channels?${query}`, chat);
      return [...body.channels.map(({ channel }: { channel: string }) => channel), body.next];
    };
    expect(await names('pattern=/chat/*')).toEqual(['/chat/*', '/chat/a', '/chat/c', undefined]);
    expect(await names('pattern=/chat/**&limit=2')).toEqual(['/chat/*', '/chat/**', '/chat/**']);
    expect(await names('pattern=/chat/**&limit=3&after=/chat/**')).toEqual([
      '/chat/a',
      '/chat/b/c',
      '/chat/c',
      undefined,
    ]);
    expect((await read('/channels', chat)).body).toMatchObject({ status: 403, code: 'channel_denied' });
  });
});

describe('GET /sessions', () => {
  it('lists sessions, and never a clientId', async () => {
    const { read, server } = await reading(named('ann'));
    const client = await FakeClient.open(server, exchange({ address: '203.0.113.7' }));
    await client.subscribe(['/a', '/b/*']);
    await server.publish('/a', 1);
    const { id } = client.session;
    const summary = {
      id,
      user: 'ann',
      transport: 'long-polling',
      state: 'new',
      address: '203.0.113.7',
      waiting: 1,
    };
    const list = await read('/sessions');
    expect(list.body).toEqual({ sessions: [{ ...summary, subscriptions: 2 }] });
    const detail = await read(`/sessions/${id}`);
    expect(detail.body).toEqual({ ...summary, info: {}, subscriptions: ['/a', '/b/*'] });
    expect(JSON.stringify([list.body, detail.body])).not.toContain(client.clientId);
    expect((await read(`/sessions/${client.clientId}`)).body).toMatchObject({
      status: 404,
      code: 'session_unknown',
    });
  });

  it('filters by user, transport, address and channel, all together', async () => {
    const users = ['ann', 'ann', 'bob', 'ann'];
    const { read, server } = await reading({
      policy: { canHandshake: () => ({ allow: true, user: users.shift() ?? '' }) },
    });
    const ann = await FakeClient.connected(server, exchange({ address: '203.0.113.7' }));
    const phone = await FakeClient.connected(server, socket({ address: '2001:db8::1' }));
    const bob = await FakeClient.connected(server, exchange({ address: '203.0.113.7' }));
    for (const client of [ann, bob]) await client.subscribe('/chat/*');
    const ids = async (query: string) =>
      (await read(`/sessions?${query}`)).body.sessions.map(({ id }: { id: string }) => id);
    const sorted = (...clients: FakeClient[]) => clients.map(({ session }) => session.id).sort();
    expect(await ids('')).toEqual(sorted(ann, phone, bob));
    expect(await ids('user=ann')).toEqual(sorted(ann, phone));
    expect(await ids('user=nobody')).toEqual([]);
    expect(await ids('address=203.0.113.7')).toEqual(sorted(ann, bob));
    expect(await ids('address=2001:db8::ffff')).toEqual(sorted(phone));
    expect(await ids('transport=websocket')).toEqual(sorted(phone));
    expect(await ids('channel=/chat/news')).toEqual(sorted(ann, bob));
    expect(await ids('channel=/chat/news&user=ann')).toEqual(sorted(ann));
    expect(await ids('channel=/chat/news&user=ann&transport=websocket')).toEqual([]);
  });

  it('is for keys that read every channel', async () => {
    const { read } = await reading();
    for (const path of ['/sessions', '/sessions/x', '/users', '/stats'])
      expect((await read(path, chat)).body).toMatchObject({
        code: 'channel_denied',
        detail: 'the key "chat" may not read /**: its channels are /chat/**',
      });
  });
});

describe('GET /users', () => {
  it('lists users with the number of their sessions, in pages', async () => {
    const users = ['bob', 'ann', 'bob'];
    const { read, server } = await reading({
      policy: { canHandshake: () => ({ allow: true, user: users.shift() ?? '' }) },
    });
    for (let at = 0; at < 3; at += 1) await FakeClient.open(server);
    expect((await read('/users')).body).toEqual({
      users: [
        { user: 'ann', sessions: 1 },
        { user: 'bob', sessions: 2 },
      ],
    });
    expect((await read('/users?limit=1')).body).toEqual({
      users: [{ user: 'ann', sessions: 1 }],
      next: 'ann',
    });
    expect((await read('/users?after=ann')).body).toEqual({ users: [{ user: 'bob', sessions: 2 }] });
  });
});

describe('GET /stats', () => {
  it('has counts, and refusals by option', async () => {
    const { read, server, clock } = await reading({ maxSessions: 2 });
    const client = await FakeClient.open(server, exchange({ address: '203.0.113.7' }));
    await client.subscribe(['/a', '/b']);
    await FakeClient.open(server, socket());
    await expect(server.localSession()).rejects.toThrow();
    await server.publish('/a', 'one');
    const { body } = await read('/stats');
    expect(body).toEqual({
      state: 'open',
      at: clock.now(),
      nodes: 1,
      sessions: 2,
      maxSessions: 2,
      transports: { 'long-polling': 1, websocket: 1 },
      queuedEvents: 1,
      queuedBytes: expect.any(Number),
      channels: 2,
      addresses: 1,
      browsers: 0,
      waitingHandshakes: 0,
      handshakes: 3,
      opened: 2,
      ended: expect.objectContaining({ disconnect: 0 }),
      publishes: 1,
      deliveries: 0,
      dropped: 0,
      refused: { maxSessions: 1 },
      refusals: 1,
      eventLoopDelay: { bounds: expect.any(Array), counts: expect.any(Array), sum: 0 },
      publishToFlush: { bounds: expect.any(Array), counts: expect.any(Array), sum: 0 },
    });
    expect(body.queuedBytes).toBeGreaterThan(10);
  });

  it('looks at all sessions once a second at most', async () => {
    const { read, server, clock } = await reading();
    const transports = async () => (await read('/stats')).body.transports;
    await FakeClient.open(server);
    expect(await transports()).toEqual({ 'long-polling': 1 });
    await FakeClient.open(server);
    await clock.tick(999);
    expect(await transports()).toEqual({ 'long-polling': 1 });
    await clock.tick(1);
    expect(await transports()).toEqual({ 'long-polling': 2 });
  });

  it('samples the delay of the event loop until a minute after the last call', async () => {
    const { read, clock } = await reading();
    const samples = async () => {
      const { counts } = (await read('/stats')).body.eventLoopDelay;
      return counts.reduce((sum: number, count: number) => sum + count, 0);
    };
    const before = clock.pending;
    expect(await samples()).toBe(0);
    await clock.tick(2_000);
    expect(await samples()).toBe(100);
    await clock.tick(60_000);
    expect(clock.pending).toBe(before);
    await clock.tick(60_000);
    expect(await samples()).toBe(3_100);
  });
});

describe('GET /me', () => {
  it('shows the rights of the key', async () => {
    const { read } = await reading();
    const { body } = await read('/me', chat);
    expect(body).toEqual({ kind: 'key', name: 'chat', rights: ['read'], channels: ['/chat/**'] });
    expect((await read('/me', { key: KEY })).body).toMatchObject({ rights: ['admin'], channels: ['/**'] });
    expect((await read('/me', { key: 'wrong' })).status).toBe(401);
  });
});

describe('POST /disconnect', () => {
  it('ends a session, or those of a user, and the log names the caller', async () => {
    const { post, server, events } = await reading(named('ann'));
    const [one, two, three] = [
      await FakeClient.open(server),
      await FakeClient.open(server),
      await FakeClient.open(server),
    ];
    const end = async (body: object) => (await post('/disconnect', { key: KEY, body })).body;
    expect(await end({ session: one.session.id })).toEqual({ sessions: 1 });
    expect(await end({ session: one.session.id })).toEqual({ sessions: 0 });
    expect([one, two, three].map(({ session }) => session.state)).toEqual(['gone', 'new', 'new']);
    expect(await end({ user: 'ann' })).toEqual({ sessions: 2 });
    expect(server.sessions.size).toBe(0);
    expect(events.filter(({ event }) => event === 'api.disconnect').at(-1)).toEqual({
      ...{ level: 'info', event: 'api.disconnect', caller: 'key default', user: 'ann', sessions: 2 },
    });
  });

  it('is for admins', async () => {
    const { post } = await reading();
    const { body } = await post('/disconnect', { key: reader.key, body: { user: 'ann' } });
    expect(body).toMatchObject({ status: 403, code: 'right_missing' });
  });
});

describe('GET /presence', () => {
  it('lists who is present in a channel, in pages', async () => {
    const users = ['bob', 'ann', 'bob'];
    const { read, server, clock } = await reading({
      channels: { '/chat/*': { presence: true } },
      policy: { canHandshake: () => ({ allow: true, user: users.shift() ?? '' }) },
    });
    for (let at = 0; at < 3; at += 1) {
      const client = await FakeClient.connected(server);
      await client.subscribe('/chat/a');
    }
    const ann = { id: 'ann', info: {}, since: clock.now(), sessions: 1 };
    const all = await read('/presence?channel=/chat/a', chat);
    expect(all.body).toMatchObject({ users: [ann, { id: 'bob', sessions: 2 }], total: 2 });
    const first = await read('/presence?channel=/chat/a&limit=1', chat);
    expect(first.body).toEqual({ users: [ann], total: 2, next: 'ann' });
    const { body } = await read('/presence?channel=/other');
    expect(body).toMatchObject({ status: 404, code: 'presence_off' });
    expect(body.detail).toContain("channels: { '/other': { presence: true } }");
  });
});

describe('POST /deliver', () => {
  it('sends to all sessions of a user, or of a group, and says to how many', async () => {
    const users = ['ann', 'ann', 'bob'];
    const { post, server } = await reading({
      policy: { canHandshake: () => ({ allow: true, user: users.shift() ?? '' }) },
    });
    const clients: FakeClient[] = [];
    for (let at = 0; at < 3; at += 1) clients.push(await FakeClient.open(server));
    await server.group('staff').add('bob');
    const send = async (body: object) => (await post('/deliver', { key: writer.key, body })).body;
    const event = { channel: '/service/offer', data: { price: 5 } };
    expect(await send({ user: 'ann', ...event })).toEqual({ sessions: 2 });
    expect(await send({ group: 'staff', ...event, ext: { a: 1 } })).toEqual({ sessions: 1 });
    expect(await send({ user: 'nobody', ...event })).toEqual({ sessions: 0 });
    expect(clients.map(({ session }) => session.waiting)).toEqual([1, 1, 1]);
    expect(clients[2]?.session.outbox.all[0]?.message).toEqual({ ...event, ext: { a: 1 } });
  });

  it.each([
    [
      { user: 'ann', channel: '/meta/connect', data: 1 },
      'channel_invalid',
      'channel must not be a channel below /meta',
    ],
    [{ channel: '/a', data: 1 }, 'body_invalid', 'user is missing'],
    [{ user: 'ann', group: 'staff', channel: '/a', data: 1 }, 'body_invalid', '"user" is not a field'],
    [{ user: 'ann', channel: '/a' }, 'body_invalid', 'data is missing'],
  ])('refuses %j', async (body, code, detail) => {
    const { post } = await reading();
    const answer = await post('/deliver', { key: writer.key, body });
    expect(answer.body).toMatchObject({ status: 400, code });
    expect(answer.body.detail).toContain(detail);
  });
});

describe('POST /sessions/{id}/deliver', () => {
  it('sends to this session alone', async () => {
    const { post, server } = await reading();
    const [first, second] = [await FakeClient.open(server), await FakeClient.open(server)];
    const event = { channel: '/service/offer', data: { price: 5 }, ext: { a: 1 } };
    const { body } = await post(`/sessions/${second.session.id}/deliver`, { key: writer.key, body: event });
    expect(body).toEqual({ sessions: 1 });
    expect([first, second].map(({ session }) => session.waiting)).toEqual([0, 1]);
    expect(second.session.outbox.all[0]?.message).toEqual(event);
  });

  it('sends once, whatever the key came with for other sessions', async () => {
    const { post, server } = await reading();
    const clients = [await FakeClient.open(server), await FakeClient.open(server)];
    const sent = { key: writer.key, body: { channel: '/a', data: 1 }, headers: { 'Idempotency-Key': 'one' } };
    for (let time = 0; time < 2; time += 1)
      for (const { session } of clients) await post(`/sessions/${session.id}/deliver`, sent);
    expect(clients.map(({ session }) => session.waiting)).toEqual([1, 1]);
  });

  it.each([
    ['none', { channel: '/a', data: 1 }, 404, 'session_unknown'],
    ['', { channel: '/meta/connect', data: 1 }, 400, 'channel_invalid'],
    ['', { channel: '/a' }, 400, 'body_invalid'],
    ['', { user: 'ann', channel: '/a', data: 1 }, 400, 'body_invalid'],
  ])('refuses %s %j', async (id, body, status, code) => {
    const { post, server } = await reading();
    const { session } = await FakeClient.open(server);
    const answer = await post(`/sessions/${id || session.id}/deliver`, { key: writer.key, body });
    expect(answer.body).toMatchObject({ status, code });
    expect(session.waiting).toBe(0);
  });

  it('needs a key for the channel', async () => {
    const own: ApiKey = { ...writer, channels: ['/mine'] };
    const { post, server } = await probe({ keys: [own] });
    const { session } = await FakeClient.open(server);
    const answer = await post(`/sessions/${session.id}/deliver`, {
      key: own.key,
      body: { channel: '/a', data: 1 },
    });
    expect(answer.body).toMatchObject({ status: 403, code: 'channel_denied' });
  });
});
