import { describe, expect, it } from 'vitest';
import { ask, FakeClient, serve } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';

describe('publish', () => {
  it('is answered with no more than it needs (PB-1, MSG-6, MSG-12)', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    for (const id of ['20', 20, 0, '']) {
      const { reply } = await client.send(client.message('/chat', { id, data: { text: 'hi' } }));
      expect(reply).toEqual({ id, channel: '/chat', successful: true });
    }
  });

  it.each([
    ['/chat/*', '405:/chat/*:channel_invalid'],
    ['/**', '405:/**:channel_invalid'],
    ['/chat/', '405:/chat/:channel_invalid'],
    ['chat', '405:chat:channel_invalid'],
    ['/a<b', '405::channel_invalid'],
    ['/meta/evil', '403:/meta/evil:publish_denied'],
    ['/meta', '403:/meta:publish_denied'],
    ['/meta/subscribe/x', '403:/meta/subscribe/x:publish_denied'],
    ['/meta/handshake/', '405:/meta/handshake/:channel_invalid'],
  ])('to %s fails (PB-2, CH-7)', async (channel, error) => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    const { reply } = await client.send(client.message(channel, { id: 'p', data: 1, subscription: '/x' }));
    expect(reply).toEqual({ id: 'p', channel, successful: false, error });
  });

  it('needs data on a broadcast channel, and null is data (PB-4)', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    expect((await client.send(client.message('/a'))).reply).toMatchObject({ error: '400::data_missing' });
    expect((await client.publish('/a', null)).messages).toMatchObject([{ data: null }, { successful: true }]);
    expect((await client.send(client.message('/service/a'))).reply).toMatchObject({ successful: true });
  });

  it('reaches whoever subscribes to a match, once each (DL-1)', async () => {
    const { server } = serve();
    const [ann, bob, eve] = [
      await FakeClient.connected(server),
      await FakeClient.connected(server),
      await FakeClient.connected(server),
    ];
    await bob.subscribe(['/chat/room', '/chat/*', '/chat/**', '/**']);
    await eve.subscribe(['/chat', '/chat/room/*', '/other/**']);
    const held = await Promise.all([bob.connect(), eve.connect()]);
    await ann.publish('/chat/room', 'hi');
    await ann.flushed();
    expect(held.map(({ events }) => events)).toEqual([[{ channel: '/chat/room', data: 'hi' }], []]);
  });

  it('passes on nothing but the channel, the data and what of ext is allowed (DL-4 to DL-6, SEC-1, ID-5)', async () => {
    const { server } = serve();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await bob.subscribe('/a');
    const held = await bob.connect();
    const hostile = {
      data: { x: 1 },
      advice: { reconnect: 'none' },
      successful: true,
      error: 'x',
      subscription: '/a',
      timestamp: 'now',
      evil: 1,
      'x-messages': 7,
      ext: { token: 'secret', binary: {}, ack: 3, replayId: 9, auth: 1 },
    };
    await ann.send(ann.message('/a', hostile));
    await bob.flushed();
    expect(held.events).toEqual([{ channel: '/a', data: { x: 1 }, ext: { binary: {} } }]);
    expect(JSON.stringify(held.messages)).not.toContain(ann.clientId);
  });

  it.each([
    ['all', { binary: {}, token: 'x', a: 1 }],
    [['a'], { a: 1 }],
    [[], undefined],
    [['ack', 'replayId', 'clientId'], undefined],
  ] as const)('with forward %j passes on %j of ext (DL-6)', async (forward, expected) => {
    const { server } = serve({ forward });
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    const ext: Record<string, unknown> = { binary: {}, token: 'x', a: 1 };
    const reserved = ['ack', 'auth', 'flow', 'gap', 'receipts', 'redelivered', 'replay', 'replayId'];
    for (const key of [...reserved, 'id', 'clientId', 'successful', 'error', 'advice', 'subscription'])
      ext[key] = 1;
    const { events } = await client.send(client.message('/a', { data: 1, ext }));
    expect(events[0]?.ext).toEqual(expected);
  });

  it('hides the secret of the publisher even where it names it in its ext', async () => {
    const { server } = serve({ forward: 'all' });
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    const { events } = await client.send(
      client.message('/a', { data: 1, ext: { clientId: client.clientId } }),
    );
    expect(JSON.stringify(events)).not.toContain(client.clientId);
  });

  it('does not change what data it passes on (SEC-7)', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    const text = `{"channel":"/a","clientId":"${client.clientId}","data":{"__proto__":{"x":1},"constructor":2}}`;
    const wire = socket();
    await server.receive(server.decode(text), wire);
    await client.flushed();
    expect(JSON.stringify(wire.data)).toBe('[{"__proto__":{"x":1},"constructor":2}]');
  });

  it('of a session that vanished while the policy thought is not published (PB-6)', async () => {
    let allow: (answer: boolean) => void = () => {};
    const { server } = serve({
      policy: {
        canPublish: () =>
          new Promise<boolean>((resolve) => {
            allow = resolve;
          }),
      },
    });
    const published: unknown[] = [];
    server.on('published', ({ data }) => published.push(data));
    const client = await FakeClient.connected(server);
    const asked = client.publish('/a', 1);
    await client.flushed();
    client.session.disconnect();
    allow(true);
    expect((await asked).reply).toMatchObject({ error: '402::session_unknown' });
    expect(published).toEqual([]);
  });

  it('to a channel nobody hears leaves nothing behind (CH-10)', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    for (let at = 0; at < 100; at += 1) await client.publish(`/nobody/${at}`, at);
    expect(server.usage.channelNodes).toBe(0);
  });
});

describe("the publisher's own events (PB-5)", () => {
  it.each([
    [{}, undefined, true],
    [{ broadcastToPublisher: false }, undefined, false],
    [{ broadcastToPublisher: false, channels: { '/a': { broadcastToPublisher: true } } }, undefined, true],
    [{ channels: { '/**': { broadcastToPublisher: false } } }, undefined, false],
    [{ channels: { '/**': { broadcastToPublisher: false } } }, true, true],
    [{}, false, false],
  ])('with %j, and %s for the session: %s', async (settings, own, expected) => {
    const { server } = serve(settings);
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    ann.session.broadcastToPublisher = own;
    await ann.subscribe('/a');
    await bob.subscribe('/a');
    const { data } = await ann.publish('/a', 1);
    expect(data).toEqual(expected ? [1] : []);
    expect((await bob.connect()).data).toEqual([1]);
  });
});

describe('a publish without a session (PB-3)', () => {
  const message = { id: 'p', channel: '/a', data: 1 };

  it('is refused unless the server is told otherwise', async () => {
    const { server } = serve();
    expect((await ask(server, message)).reply).toEqual({
      id: 'p',
      channel: '/a',
      successful: false,
      error: '402::session_unknown',
    });
  });

  it.each([
    ['allow', 'allow' as const, true],
    ['a predicate that allows', () => true, true],
    ['one that does later', () => Promise.resolve(true), true],
    ['one that refuses', () => false, false],
  ])('follows the option: %s', async (_how, unconnectedPublish, successful) => {
    const { server } = serve({ unconnectedPublish });
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    expect((await ask(server, message)).reply).toMatchObject({ id: 'p', successful });
    expect((await client.connect({ advice: { timeout: 0 } })).data).toEqual(successful ? [1] : []);
    expect((await ask(server, { ...message, clientId: null })).reply).toMatchObject({ successful });
  });

  it('is never one that names a session nobody knows', async () => {
    const { server } = serve({ unconnectedPublish: 'allow' });
    for (const clientId of ['x', '', 7, {}]) {
      expect((await ask(server, { ...message, clientId })).reply).toMatchObject({
        error: '402::session_unknown',
      });
    }
  });

  it('still asks canPublish, and opens no other door', async () => {
    const { server } = serve({
      unconnectedPublish: 'allow',
      policy: { canPublish: ({ channel }) => channel !== '/vip' },
    });
    expect((await ask(server, { ...message, channel: '/vip' })).reply).toMatchObject({
      error: '403:/vip:publish_denied',
    });
    expect((await ask(server, { ...message, channel: '/meta/x' })).reply).toMatchObject({
      error: '403:/meta/x:publish_denied',
    });
    expect((await ask(server, { channel: '/meta/subscribe', subscription: '/a' })).reply).toMatchObject({
      error: '402::session_unknown',
    });
  });
});

describe('server.publish', () => {
  it('reaches subscribers, and is told to listeners without a session', async () => {
    const { server } = serve();
    const heard: unknown[] = [];
    server.on('published', (event) => heard.push(event));
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    await server.publish('/a', { x: 1 }, { ext: { note: 1 } });
    expect((await client.connect()).events).toEqual([{ channel: '/a', data: { x: 1 }, ext: { note: 1 } }]);
    expect(heard).toEqual([{ channel: '/a', data: { x: 1 } }]);
  });

  it('keeps its own copy of what it was given (IP-2)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const data = { x: 1 };
    const published = server.publish('/a', data);
    data.x = 2;
    await published;
    expect((await client.connect()).data).toEqual([{ x: 1 }]);
  });

  it.each([
    ['/a/*', 1],
    ['/meta/x', 1],
    ['/service/x', 1],
    ['a', 1],
    ['/a', undefined],
    ['/a', () => 1],
    ['/a', 1n],
  ])('refuses %s with %s', async (channel, data) => {
    const { server } = serve();
    await expect(server.publish(channel, data)).rejects.toMatchObject({ name: 'UsageError' });
  });
});

describe('session.deliver (DL-12)', () => {
  it('reaches one session, whether it subscribes or not', async () => {
    const { server } = serve();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await bob.subscribe('/**');
    ann.session.deliver('/a', 1, { ext: { note: 1 } });
    ann.session.deliver('/service/x', 2);
    expect((await ann.connect()).events).toEqual([
      { channel: '/a', data: 1, ext: { note: 1 } },
      { channel: '/service/x', data: 2 },
    ]);
    expect((await bob.connect({ advice: { timeout: 0 } })).events).toEqual([]);
  });

  it.each([
    ['/meta/x', 1],
    ['/meta', 1],
    ['/a/*', 1],
    ['/a', undefined],
    ['/a', 1n],
  ])('refuses %s with %s', async (channel, data) => {
    const { server } = serve();
    const { session } = await FakeClient.connected(server);
    expect(() => session.deliver(channel, data)).toThrow(expect.objectContaining({ name: 'UsageError' }));
  });
});
