import { describe, expect, it } from 'vitest';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream, type Wire } from '../support/fake-conduit.ts';

const retry = { reconnect: 'retry', interval: 0, timeout: 30_000 };
const silent: Wire[] = [];

const shapes: [string, () => FakeConduit][] = [
  ['long-polling', () => exchange()],
  ['callback-polling', () => exchange({ transport: 'callback-polling' })],
  ['websocket', () => socket()],
];

describe.each(shapes)('a connect over %s', (_name, conduit) => {
  it.each([[{}], [{ advice: { timeout: 0 } }], [{ advice: { timeout: 10 } }]])(
    'is answered at once when it is the first, with %j (CN-4)',
    async (fields) => {
      const { server } = serve();
      const client = await FakeClient.open(server);
      const { reply } = await client.connect({ id: 'c', ...fields }, conduit());
      expect(reply).toEqual({
        id: 'c',
        channel: '/meta/connect',
        successful: true,
        clientId: client.clientId,
        advice: retry,
      });
      expect([client.session.state, client.session.connected]).toEqual(['idle', true]);
    },
  );

  it('is held after that until its time is over (CN-8, CN-9)', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    const held = await client.connect({ id: 'c' }, conduit());
    expect(client.session.state).toBe('held');
    await clock.tick(29_999);
    expect(held.messages).toEqual(silent);
    await clock.tick(1);
    expect(held.reply).toMatchObject({ id: 'c', successful: true, advice: retry });
    expect(client.session.state).toBe('idle');
  });

  it('is answered at once when the client says so (CN-5)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const { reply } = await client.connect({ advice: { timeout: 0 } }, conduit());
    expect(reply).toMatchObject({ successful: true, advice: retry });
  });

  it('is held as long as the client wants, and no longer than the server does (ADV-12)', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    const short = await client.connect({ advice: { timeout: 10 } }, conduit());
    await clock.tick(10);
    expect(short.replies).toHaveLength(1);
    const long = await client.connect({ advice: { timeout: 1e9 } }, conduit());
    await clock.tick(30_000);
    expect(long.replies).toHaveLength(1);
  });

  it('that shares its batch is answered at once (CN-6)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const batch = [
      client.message('/meta/connect'),
      client.message('/meta/subscribe', { subscription: '/a' }),
      client.message('/meta/subscribe', { subscription: ['/b', '/c/*'] }),
    ];
    const { replies } = await client.send(batch, conduit());
    expect(replies.map(({ channel, successful }) => [channel, successful])).toEqual([
      ['/meta/connect', true],
      ['/meta/subscribe', true],
      ['/meta/subscribe', true],
    ]);
  });

  it('without a live session is sent to start over (CN-2)', async () => {
    const { server } = serve();
    const nobody = await FakeClient.open(server);
    server.session(nobody.session.id)?.disconnect();
    const advice = { reconnect: 'handshake', interval: 0, timeout: 30_000 };
    for (const clientId of [nobody.clientId, 'x', '', 7, undefined, null]) {
      const { reply } = await nobody.connect({ id: 'c', clientId }, conduit());
      expect(reply).toEqual({
        id: 'c',
        channel: '/meta/connect',
        successful: false,
        error: '402::session_unknown',
        advice,
      });
    }
  });

  it('of a type that is not here is refused, and the held one stays (CN-3)', async () => {
    const { server } = serve({ transports: ['websocket', 'long-polling', 'callback-polling'] });
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    for (const connectionType of ['flash', 'eventsource', 'in-process', 'iframe']) {
      const { reply } = await client.connect({ connectionType }, conduit());
      expect(reply).toMatchObject({
        successful: false,
        error: `301:${connectionType}:connection_type_unsupported`,
        advice: { reconnect: 'handshake', interval: 1000, timeout: 30_000 },
      });
    }
    expect([client.session.state, held.messages, held.ends]).toEqual(['held', [], []]);
  });

  it('may leave the type out, or name another that is here (CN-3)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    for (const connectionType of [undefined, 'long-polling', 'websocket', 7]) {
      const held = await client.connect({ connectionType }, conduit());
      expect([held.messages, client.session.state]).toEqual([[], 'held']);
    }
  });

  it('is answered when the session ends by its own wish (CN-13, DC-2)', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    const held = await client.connect({ id: 'c' }, conduit());
    await client.disconnect();
    expect(held.reply).toMatchObject({ id: 'c', successful: true, advice: { ...retry, reconnect: 'none' } });
    expect([server.sessions.size, clock.pending]).toEqual([0, 0]);
  });
});

describe('an event', () => {
  it.each(['long-polling', 'callback-polling'] as const)(
    'wakes the connect held over %s (CN-8, PR-6)',
    async (transport) => {
      const { server } = serve();
      const client = await FakeClient.connected(server);
      const held = await client.connect({ id: 'c' }, exchange({ transport }));
      client.session.deliver('/a', 1);
      client.session.deliver('/a', 2);
      expect(held.messages).toEqual(silent);
      await client.flushed();
      expect(held.messages).toMatchObject([
        { channel: '/a', data: 1 },
        { channel: '/a', data: 2 },
        { id: 'c', successful: true, advice: retry },
      ]);
    },
  );

  it('that waits has the next connect answered at once, before the reply (CN-7)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1);
    await client.flushed();
    expect((await client.connect({ id: 'c' })).messages).toMatchObject([{ data: 1 }, { id: 'c' }]);
  });

  it('is pushed on a socket, and its connect stays held (WS-6, WS-7)', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({}, wire);
    wire.batches.length = 0;
    client.session.deliver('/a', 1);
    client.session.deliver('/a', 2);
    await client.flushed();
    client.session.deliver('/a', 3);
    await client.flushed();
    expect(wire.batches).toEqual([
      [
        { channel: '/a', data: 1 },
        { channel: '/a', data: 2 },
      ],
      [{ channel: '/a', data: 3 }],
    ]);
    expect(client.session.state).toBe('held');
  });

  it.each([
    ['by option', { metaConnectDeliverOnly: true }, false],
    ['on this transport', { websocket: { metaConnectDeliverOnly: true } }, false],
    ['for this session', {}, true],
  ])(
    'on a socket goes with the connect reply only, when deliverOnly %s (CN-14)',
    async (_how, settings, own) => {
      const { server } = serve(settings);
      const wire = socket();
      const client = await FakeClient.connected(server, wire);
      client.session.deliverOnly = own;
      wire.batches.length = 0;
      client.session.deliver('/a', 1);
      await client.flushed();
      expect(wire.messages).toEqual(silent);
      await client.publish('/nobody', 1, wire);
      expect(wire.events).toEqual([]);
      wire.batches.length = 0;
      await client.connect({ id: 'c' }, wire);
      expect(wire.batches).toMatchObject([[{ data: 1 }, { id: 'c', successful: true }]]);
      await client.connect({ id: 'd' }, wire);
      client.session.deliver('/a', 2);
      await client.flushed();
      expect(wire.batches.at(-1)).toMatchObject([{ data: 2 }, { id: 'd', successful: true }]);
    },
  );
});

describe('a newer connect (CN-10, CN-11)', () => {
  const replaced = { successful: false, error: '409::connect_replaced', advice: retry };

  it('over HTTP has the older response end without a reply, and takes its place', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const older = await client.connect({ id: 'same' });
    const newer = await client.connect({ id: 'same' });
    expect([older.messages, older.ends]).toEqual([[], ['replaced']]);
    expect([newer.messages, newer.ends, client.session.state]).toEqual([[], [], 'held']);
    client.session.deliver('/a', 1);
    await client.flushed();
    expect(newer.data).toEqual([1]);
  });

  it('on a socket ends the one held over HTTP, and binds the socket (WS-11)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const older = await client.connect();
    const wire = socket();
    await client.connect({}, wire);
    expect([older.messages, older.ends, client.session.push]).toEqual([[], ['replaced'], wire]);
  });

  it('over HTTP takes the socket that held the older one out of the session, silently', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({}, wire);
    wire.batches.length = 0;
    const newer = await client.connect();
    expect([wire.messages, wire.ends, client.session.push]).toEqual([[], [], undefined]);
    client.session.deliver('/a', 1);
    await client.flushed();
    expect([wire.messages, newer.data]).toEqual([[], [1]]);
  });

  it.each([
    ['that is held', {}, 'held'],
    ['that is answered at once', { advice: { timeout: 0 } }, 'idle'],
  ])(
    'over HTTP %s takes an older socket out of the session where no connect is held (WS-8)',
    async (_name, fields, state) => {
      const { server } = serve();
      const wire = socket();
      const client = await FakeClient.connected(server, wire);
      wire.batches.length = 0;
      const newer = await client.connect(fields);
      expect([client.session.push, client.session.state]).toEqual([undefined, state]);
      client.session.deliver('/a', 1);
      await client.flushed();
      const carrier = state === 'held' ? newer : await client.connect();
      expect([wire.messages, wire.ends, carrier.data]).toEqual([[], [], [1]]);
      // The socket stays: a message of its own binds it again.
      await client.publish('/nobody', 1, wire);
      expect(client.session.push).toBe(wire);
    },
  );

  it('that fails leaves the socket in the session', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({ connectionType: 'carrier-pigeon' });
    expect(client.session.push).toBe(wire);
  });

  it('on the same socket has the older one answered with 409', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({ id: 'older' }, wire);
    wire.batches.length = 0;
    await client.connect({ id: 'newer' }, wire);
    expect(wire.messages).toMatchObject([{ id: 'older', ...replaced }]);
    expect(client.session.state).toBe('held');
  });

  it('with the same id on the same socket is a retransmission: nothing is said', async () => {
    const { server, clock } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({ id: 'same' }, wire);
    wire.batches.length = 0;
    await client.connect({ id: 'same' }, wire);
    expect(wire.messages).toEqual(silent);
    await clock.tick(30_000);
    expect(wire.replies).toMatchObject([{ id: 'same', successful: true }]);
  });

  it('on another socket takes the session there, silently', async () => {
    const { server } = serve();
    const [older, newer] = [socket(), socket()];
    const client = await FakeClient.connected(server, older);
    await client.connect({ id: 'same' }, older);
    older.batches.length = 0;
    await client.connect({ id: 'same' }, newer);
    client.session.deliver('/a', 1);
    await client.flushed();
    expect([older.messages, newer.data]).toEqual([[], [1]]);
  });

  it('answered at once makes the older one yield as well', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const older = await client.connect();
    const newer = await client.connect({ advice: { timeout: 0 } });
    expect([older.ends, newer.replies.length, client.session.state]).toEqual([['replaced'], 1, 'idle']);
    const next = await client.connect();
    expect([next.messages, client.session.state]).toEqual([[], 'held']);
  });
});

describe('a connection that dies (CN-15, CN-16)', () => {
  it.each(shapes)(
    'while its connect is held over %s keeps every event, and starts the clock (EX-3)',
    async (_name, make) => {
      const { server, clock } = serve();
      const client = await FakeClient.connected(server);
      const conduit = make();
      await client.connect({}, conduit);
      await clock.tick(20_000);
      client.lose(conduit);
      expect([client.session.state, conduit.messages]).toEqual(['idle', []]);
      client.session.deliver('/a', 1);
      client.session.deliver('/a', 2);
      await clock.tick(14_999);
      expect(client.session.state).toBe('idle');
      const next = await client.connect();
      expect(next.data).toEqual([1, 2]);
      await clock.tick(15_000);
      expect(client.session.state).toBe('gone');
    },
  );

  it('costs the session its life maxInterval later, and not at the hold timer', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    await clock.tick(10_000);
    client.lose(held);
    await clock.tick(14_999);
    expect(client.session.state).toBe('idle');
    await clock.tick(1);
    expect([client.session.state, clock.pending]).toEqual(['gone', 0]);
  });

  it('takes nothing out of the queue', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    client.session.deliver('/a', 1);
    // It dies in the very turn in which it would have been answered.
    client.lose(held);
    await client.flushed();
    expect(held.messages).toEqual(silent);
    expect((await client.connect()).data).toEqual([1]);
  });

  it('before an extension let its connect through is not held', async () => {
    const slow = { name: 'slow', incoming: (request: never) => Promise.resolve(request) };
    const { server } = serve({ extensions: [slow] });
    const client = await FakeClient.connected(server, exchange({ browser: 'b0123456' }));
    const conduit = exchange();
    const asked = client.connect({}, conduit);
    client.lose(conduit);
    await asked;
    expect([client.session.state, server.usage.browsers]).toEqual(['idle', 0]);
    client.session.deliver('/a', 1);
    expect((await client.connect()).data).toEqual([1]);
  });
});

describe('a socket', () => {
  it('is bound by the first message of a session that listens nowhere else (WS-8, WS-10)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1);
    await client.flushed();
    const wire = socket();
    await client.publish('/nobody', 1, wire);
    await client.flushed();
    expect([client.session.push, wire.data]).toEqual([wire, [1]]);
  });

  it('is not bound by a publish while a connect is held over HTTP (WS-11)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    const wire = socket();
    await client.publish('/nobody', 1, wire);
    expect([client.session.push, held.ends]).toEqual([undefined, []]);
  });

  it('carries out what another session says, and stays where it is (WS-9)', async () => {
    const { server } = serve();
    const wire = socket();
    const bound = await FakeClient.connected(server, wire);
    const other = await FakeClient.connected(server);
    await other.subscribe('/a', wire);
    expect([bound.session.push, other.session.push]).toEqual([wire, undefined]);
    await other.connect({}, wire);
    expect([bound.session.push, other.session.push]).toEqual([undefined, wire]);
  });

  it.each([
    ['the connect of another session', (wire: FakeConduit, other: FakeClient) => other.connect({}, wire)],
    ['another handshake', (wire: FakeConduit, { server }: FakeClient) => ask(server, handshake(), wire)],
  ])(
    'taken by %s has the connect that is held there answered first (MSG-5, WS-8, HS-2)',
    async (_name, take) => {
      const { server, clock } = serve();
      const wire = socket();
      const bound = await FakeClient.connected(server, wire);
      const other = await FakeClient.connected(server);
      await bound.connect({ id: 'held' }, wire);
      await bound.subscribe('/a', wire);
      wire.batches.length = 0;
      await take(wire, other);
      await server.publish('/a', 1);
      await bound.flushed();
      // Told to wait: two sessions that share a socket would else take it from each other all the time (ADV-5).
      expect(wire.messages[0]).toEqual({
        id: 'held',
        channel: '/meta/connect',
        successful: false,
        error: '409::connect_replaced',
        advice: { ...retry, interval: 1000 },
      });
      expect([wire.messages.filter(({ id }) => id === 'held').length, wire.data]).toEqual([1, []]);
      expect([bound.session.state, bound.session.push, bound.session.outbox.size]).toEqual([
        'idle',
        undefined,
        1,
      ]);
      await clock.tick(15_000);
      expect(bound.session.state).toBe('gone');
    },
  );

  it('of another session is refused where client sessions are not trusted (WS-9)', async () => {
    const { server } = serve({ trustClientSession: false });
    const wire = socket();
    const bound = await FakeClient.connected(server, wire);
    const other = await FakeClient.connected(server, socket());
    wire.batches.length = 0;
    await other.subscribe('/a', wire);
    expect(wire.replies).toMatchObject([{ error: '402::session_unknown' }]);
    await bound.subscribe('/a', wire);
    expect(wire.replies.at(-1)).toMatchObject({ successful: true });
  });

  it('wants a handshake of its own with requireHandshakePerConnection (WS-10)', async () => {
    const { server } = serve({ websocket: { requireHandshakePerConnection: true } });
    const client = await FakeClient.connected(server);
    expect((await client.connect({}, socket())).reply).toMatchObject({ error: '402::session_unknown' });
    const wire = socket();
    const own = await FakeClient.connected(server, wire);
    await own.connect({}, wire);
    expect(own.session.state).toBe('held');
  });

  it('that has gone keeps the session, for any transport to go on (WS-12)', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({}, wire);
    client.lose(wire);
    client.session.deliver('/a', 1);
    await client.flushed();
    expect((await client.connect()).data).toEqual([1]);
  });
});

describe('an event stream', () => {
  const heartbeat = { reconnect: 'retry', interval: 30_000, timeout: 0 };

  it('carries the events; connects are heartbeats (ES-4 to ES-6, EX-1)', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    const events = stream();
    expect(server.joinStream(client.clientId, events)).toBe(true);
    const beat = await client.connect({ connectionType: 'eventsource' });
    expect(beat.reply).toMatchObject({ successful: true, advice: heartbeat });
    client.session.deliver('/a', 1);
    await client.flushed();
    expect(events.batches).toEqual([[{ channel: '/a', data: 1 }]]);
    client.session.deliver('/a', 2);
    const post = await client.publish('/nobody', 1);
    await client.flushed();
    expect([post.events, events.data]).toEqual([[], [1, 2]]);
    await clock.tick(44_999);
    expect(client.session.state).toBe('idle');
    await clock.tick(1);
    expect([client.session.state, events.ends]).toEqual(['gone', ['disconnected']]);
  });

  it('that is not open leaves its events to the heartbeat (ES-6, ES-7)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const events = stream();
    void server.joinStream(client.clientId, events);
    client.lose(events);
    client.session.deliver('/a', 1);
    await client.flushed();
    const beat = await client.connect({ connectionType: 'eventsource' });
    expect(beat.messages).toMatchObject([{ data: 1 }, { advice: heartbeat }]);
  });

  it('gives way to a newer one, which gets what waits at once (ES-3, ES-4)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const [older, newer] = [stream(), stream()];
    void server.joinStream(client.clientId, older);
    void server.joinStream(client.clientId, newer);
    expect([older.ends, client.session.push]).toEqual([['replaced'], newer]);
    server.lost(older.die());
    client.session.deliver('/a', 1);
    await client.flushed();
    expect(newer.data).toEqual([1]);
  });

  it('is not for sessions unknown, or deliverOnly (ES-2, CN-14)', async () => {
    const { server } = serve();
    expect(server.joinStream('nobody', stream())).toBe(false);
    const client = await FakeClient.connected(server);
    client.session.deliverOnly = true;
    expect(server.joinStream(client.clientId, stream())).toBe(false);
    const held = await client.connect({ connectionType: 'eventsource' });
    expect([held.messages, client.session.state]).toEqual([[], 'held']);
  });

  it('is not offered where every session is deliverOnly (CN-14)', async () => {
    const { server } = serve({ metaConnectDeliverOnly: true });
    const hello = exchange();
    const client = await FakeClient.connected(server, hello);
    expect(hello.reply.supportedConnectionTypes).not.toContain('eventsource');
    expect(server.joinStream(client.clientId, stream())).toBe(false);
  });

  it('is for the browser of the handshake only, where client sessions are not trusted (CK-2)', async () => {
    const { server } = serve({ trustClientSession: false });
    const client = await FakeClient.open(server, exchange({ browser: 'b0123456' }));
    expect(server.joinStream(client.clientId, stream())).toBe(false);
    expect(server.joinStream(client.clientId, stream({ browser: 'b7654321' }))).toBe(false);
    expect(server.joinStream(client.clientId, stream({ browser: 'b0123456' }))).toBe(true);
  });
});

describe('where client sessions are not trusted (CK-2)', () => {
  it('a fresh socket takes a session with the cookie of its handshake alone (WS-10)', async () => {
    const { server } = serve({ trustClientSession: false });
    const client = await FakeClient.open(server, exchange({ browser: 'b0123456' }));
    for (const wire of [socket(), socket({ browser: 'b7654321' })]) {
      await client.publish('/a', 1, wire);
      await client.connect({}, wire);
      expect(wire.replies).toMatchObject([
        { error: '402::session_unknown' },
        { error: '402::session_unknown', advice: { reconnect: 'handshake', interval: 1000 } },
      ]);
      expect([wire.session, client.session.push]).toEqual([undefined, undefined]);
    }
    const wire = socket({ browser: 'b0123456' });
    await client.connect({ advice: { timeout: 0 } }, wire);
    expect([wire.replies.at(-1)?.successful, client.session.push]).toEqual([true, wire]);
  });

  it('a session of a socket is taken by no other one, and is counted with no browser (CK-1)', async () => {
    const { server } = serve({ trustClientSession: false });
    const client = await FakeClient.connected(server, socket({ browser: 'b0123456' }));
    expect((await client.connect({}, socket({ browser: 'b0123456' }))).reply).toMatchObject({
      error: '402::session_unknown',
    });
    expect(client.session.browser).toBeUndefined();
  });

  it('a message comes with the cookie of the handshake, or finds no session', async () => {
    const { server } = serve({ trustClientSession: false });
    const client = await FakeClient.open(server, exchange({ browser: 'b0123456' }));
    expect((await client.connect({}, exchange({ browser: 'b0123456' }))).reply).toMatchObject({
      successful: true,
    });
    for (const conduit of [() => exchange(), () => exchange({ browser: 'b7654321' })]) {
      expect((await client.subscribe('/a', conduit())).reply).toMatchObject({
        error: '402::session_unknown',
      });
      expect((await client.connect({}, conduit())).reply).toMatchObject({
        error: '402::session_unknown',
        advice: { reconnect: 'handshake', interval: 1000, timeout: 30_000 },
      });
    }
  });
});
