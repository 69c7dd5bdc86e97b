import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';

function heard(settings = {}) {
  const { server, clock } = serve(settings);
  const log: string[] = [];
  server.on('channel.subscribed', ({ pattern }) => log.push(`+${pattern}`));
  server.on('channel.unsubscribed', ({ pattern }) => log.push(`-${pattern}`));
  return { server, clock, log };
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `/n${at}`);

describe('a listener that ends the session as soon as it subscribes', () => {
  it('leaves none of its subscriptions behind', async () => {
    const { server, clock } = serve();
    server.on('channel.subscribed', ({ session }) => session.disconnect());
    const client = await FakeClient.open(server);
    const { reply } = await client.subscribe(['/a', '/b', '/c']);
    expect(reply).toMatchObject({ successful: false, error: '402::session_unknown' });
    expect([server.usage, clock.pending]).toEqual([
      { sessions: 0, channelNodes: 0, addresses: 0, browsers: 0 },
      0,
    ]);
  });
});

describe('subscribe', () => {
  it.each([
    '/a',
    '/a/*',
    '/**',
    '/*',
    '/__proto__',
    ['/a', '/b/**'],
    ['/a'],
    '/service/x',
    '/service/**',
    ['/a', '/service/x'],
  ])('to %j is echoed as it came (SB-1, SB-5)', async (subscription) => {
    const { server } = heard();
    const client = await FakeClient.open(server);
    const { reply } = await client.send(client.message('/meta/subscribe', { id: 's', subscription }));
    expect(reply).toEqual({
      id: 's',
      channel: '/meta/subscribe',
      successful: true,
      clientId: client.clientId,
      subscription,
    });
  });

  it.each([
    ['/meta/connect', '403:/meta/connect:subscribe_denied'],
    ['/meta', '403:/meta:subscribe_denied'],
    ['/meta/*', '403:/meta/*:subscribe_denied'],
    ['/meta/**', '403:/meta/**:subscribe_denied'],
    ['/meta/foo', '403:/meta/foo:subscribe_denied'],
    ['/a b', '405:/a b:channel_invalid'],
    ['/a/', '405:/a/:channel_invalid'],
    ['/<b>', '405::channel_invalid'],
    ['/a/*/b', '405:/a/*/b:channel_invalid'],
    ['', '405::channel_invalid'],
    [['/a', '/b/', '/c', 'd'], '405:/b/,d:channel_invalid'],
    [['/a', '/meta/x'], '403:/meta/x:subscribe_denied'],
    [[], '400::subscription_missing'],
    [names(101), '413:100:too_many_patterns'],
  ])('to %j fails as a whole (SB-1, SB-2, SB-4)', async (subscription, error) => {
    const { server, log } = heard();
    const client = await FakeClient.open(server);
    const { reply } = await client.send(client.message('/meta/subscribe', { id: 's', subscription }));
    expect(reply).toEqual({ id: 's', channel: '/meta/subscribe', successful: false, subscription, error });
    expect([server.usage.channelNodes, client.session.subscriptions.size, log]).toEqual([0, 0, []]);
  });

  it.each([undefined, null, 7, {}, [1], ['/a', null]])(
    'without a subscription that can be read (%j) fails',
    async (subscription) => {
      const { server } = heard();
      const client = await FakeClient.open(server);
      const { reply } = await client.send(client.message('/meta/subscribe', { id: 's', subscription }));
      expect(reply).toEqual({
        id: 's',
        channel: '/meta/subscribe',
        successful: false,
        error: '400::subscription_missing',
      });
    },
  );

  it('of nobody fails, and echoes what it was for', async () => {
    const { server } = heard();
    const { reply } = await ask(server, {
      id: 's',
      channel: '/meta/subscribe',
      subscription: '/a',
      clientId: 'x',
    });
    expect(reply).toEqual({
      id: 's',
      channel: '/meta/subscribe',
      successful: false,
      subscription: '/a',
      error: '402::session_unknown',
    });
  });

  it('asks for every entry, and records none when one is denied (SB-2, SEC-12)', async () => {
    const asked: string[] = [];
    const { server, log } = heard({
      policy: {
        canSubscribe: ({ channel }: { channel: string }) => {
          asked.push(channel);
          return channel === '/slow' ? Promise.resolve(true) : !channel.startsWith('/vip');
        },
      },
    });
    const client = await FakeClient.open(server);
    const { reply } = await client.subscribe(['/a', '/vip/1', '/slow', '/vip/**']);
    expect(reply).toMatchObject({ error: '403:/vip/1,/vip/**:subscribe_denied' });
    expect([asked, log, server.usage.channelNodes]).toEqual([['/a', '/vip/1', '/slow', '/vip/**'], [], 0]);
  });

  it('twice succeeds, is recorded once and told once (SB-6)', async () => {
    const { server, log } = heard();
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    expect((await client.subscribe(['/a', '/a'])).reply).toMatchObject({ successful: true });
    expect(log).toEqual(['+/a']);
    const { data } = await client.publish('/a', 1);
    expect(data).toEqual([1]);
  });

  it('is in effect from the next message of its batch on (SB-3, SB-7)', async () => {
    const { server } = heard();
    const client = await FakeClient.open(server);
    const { messages } = await client.send([
      client.message('/a', { data: 0 }),
      client.message('/meta/subscribe', { subscription: '/a' }),
      client.message('/a', { data: 1 }),
    ]);
    expect(messages).toMatchObject([
      { data: 1 },
      { channel: '/a' },
      { channel: '/meta/subscribe' },
      { channel: '/a' },
    ]);
  });

  it('goes so far and no further (maxSubscriptions)', async () => {
    const { server } = heard({ maxSubscriptions: 3 });
    const client = await FakeClient.open(server);
    await client.subscribe(['/a', '/b']);
    expect((await client.subscribe(['/c', '/d'])).reply).toMatchObject({
      error: '413:3:too_many_subscriptions',
    });
    expect((await client.subscribe(['/a', '/c'])).reply).toMatchObject({ successful: true });
    expect((await client.subscribe('/d')).reply).toMatchObject({ error: '413:3:too_many_subscriptions' });
    expect([...client.session.subscriptions]).toEqual(['/a', '/b', '/c']);
  });

  it('takes no more memory than all sessions may use, and leaves room for others (maxSubscriptionBytes)', async () => {
    const logged: LogEvent[] = [];
    const { server, clock, log } = heard({
      maxSubscriptionBytes: 16_384,
      log: (event: LogEvent) => void (event.level === 'warn' && logged.push(event)),
    });
    const [hog, other] = [await FakeClient.open(server), await FakeClient.open(server)];
    await hog.subscribe(['/a', '/b', '/c']);
    const full = { successful: false, error: '413:server:too_many_subscriptions' };
    for (const more of [['/d', '/e', '/f'], '/d/d', '/service/x']) await hog.subscribe(more);
    expect((await hog.subscribe(['/d', '/e'])).reply).toMatchObject(full);
    expect([...hog.session.subscriptions]).toEqual(['/a', '/b', '/c', '/d/d']);
    expect(log).toEqual(['+/a', '+/b', '+/c', '+/d/d']);
    expect((await hog.subscribe('/a')).reply).toMatchObject({ successful: true });
    expect((await other.subscribe('/d')).reply).toMatchObject({ successful: true });

    const line = { level: 'warn', event: 'subscriptions.no_room', option: 'maxSubscriptionBytes' };
    expect(logged).toMatchObject([line]);
    await clock.tick(1_000);
    await hog.subscribe('/e');
    expect(logged.length).toBe(1);
    await hog.disconnect();
    const again = await FakeClient.open(server);
    expect((await again.subscribe(['/a', '/b', '/c', '/d'])).reply).toMatchObject({ successful: true });
    await clock.tick(60_000);
    const last = await FakeClient.open(server);
    expect((await last.subscribe(names(10))).reply).toMatchObject(full);
    expect(logged).toMatchObject([
      { ...line, count: 1 },
      { ...line, count: 3 },
    ]);
  });

  it('records nothing for a session that vanished while the policy thought (SB-10)', async () => {
    let allow: (answer: boolean) => void = () => {};
    const { server, clock } = heard({
      policy: {
        canSubscribe: () =>
          new Promise<boolean>((resolve) => {
            allow = resolve;
          }),
      },
    });
    const client = await FakeClient.open(server);
    const asked = client.subscribe('/a');
    await client.flushed();
    client.session.disconnect();
    allow(true);
    expect((await asked).reply).toMatchObject({ error: '402::session_unknown' });
    expect([server.usage.channelNodes, clock.pending]).toEqual([0, 0]);
  });

  it('never brings meta or service traffic (SB-4, SB-5)', async () => {
    const { server } = heard();
    const client = await FakeClient.connected(server);
    await client.subscribe(['/**', '/*', '/service/**', '/service/x']);
    const { messages } = await client.publish('/service/x', 1);
    expect(messages).toHaveLength(1);
    expect((await client.connect({ advice: { timeout: 0 } })).events).toEqual([]);
  });

  it('is told to the engine by the first to want a pattern, and taken back by the last', async () => {
    const told: unknown[] = [];
    const engine = new MemoryEngine();
    Object.assign(engine, {
      interest: (pattern: string, wanted: boolean) => void told.push([pattern, wanted]),
    });
    const { server } = heard({ engine });
    const [ann, bob] = [await FakeClient.open(server), await FakeClient.open(server)];
    await ann.subscribe(['/a', '/service/x']);
    await bob.subscribe(['/a', '/a/*']);
    await ann.unsubscribe('/a');
    expect(told).toEqual([
      ['/a', true],
      ['/a/*', true],
    ]);
    await bob.disconnect();
    expect(told.slice(2)).toEqual([
      ['/a', false],
      ['/a/*', false],
    ]);
  });

  it('that the engine cannot carry fails, and nothing of it stays', async () => {
    const engine = new MemoryEngine();
    engine.interest = (pattern?: string) => {
      if (pattern === '/bad') return Promise.reject(new Error('no'));
    };
    const { server } = heard({ engine });
    const client = await FakeClient.open(server);
    await client.subscribe('/kept');
    expect((await client.subscribe(['/kept', '/a', '/bad'])).reply).toMatchObject({
      error: '500::server_error',
    });
    expect([...client.session.subscriptions]).toEqual(['/kept']);
    expect(server.usage.channelNodes).toBe(1);
  });
});

describe('unsubscribe', () => {
  it('drops exactly what it names (SB-8)', async () => {
    const { server, log } = heard();
    const client = await FakeClient.open(server);
    await client.subscribe(['/a/*', '/a/b', '/c']);
    const { reply } = await client.send(
      client.message('/meta/unsubscribe', { id: 'u', subscription: ['/a/*', '/c'] }),
    );
    expect(reply).toEqual({
      id: 'u',
      channel: '/meta/unsubscribe',
      successful: true,
      clientId: client.clientId,
      subscription: ['/a/*', '/c'],
    });
    expect([...client.session.subscriptions]).toEqual(['/a/b']);
    expect(log).toEqual(['+/a/*', '+/a/b', '+/c', '-/a/*', '-/c']);
  });

  it.each(['/never', '/never/**', '/service/x', ['/never', '/service/**']])(
    'of %j, which was not there, succeeds',
    async (subscription) => {
      const { server, log } = heard();
      const client = await FakeClient.open(server);
      expect((await client.unsubscribe(subscription)).reply).toMatchObject({
        successful: true,
        subscription,
      });
      expect(log).toEqual([]);
    },
  );

  it.each([
    ['/meta/x', '403:/meta/x:subscribe_denied'],
    ['/a/', '405:/a/:channel_invalid'],
    [[], '400::subscription_missing'],
    [undefined, '400::subscription_missing'],
    [names(101), '413:100:too_many_patterns'],
  ])('of %j fails (SB-11)', async (subscription, error) => {
    const { server } = heard();
    const client = await FakeClient.open(server);
    expect((await client.unsubscribe(subscription)).reply).toMatchObject({ successful: false, error });
  });

  it('asks nobody (SB-11)', async () => {
    const { server } = heard({ policy: { canSubscribe: () => false } });
    const client = await FakeClient.open(server);
    expect((await client.unsubscribe('/a')).reply).toMatchObject({ successful: true });
  });

  it('lets what was accepted before it arrive, and nothing later (SB-9)', async () => {
    const { server } = heard();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    await server.publish('/a', 'before');
    const { data } = await client.unsubscribe('/a');
    await server.publish('/a', 'after');
    expect(data).toEqual(['before']);
    expect((await client.connect({ advice: { timeout: 0 } })).data).toEqual([]);
  });
});
