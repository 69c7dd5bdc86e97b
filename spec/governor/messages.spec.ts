import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import type { ServerSettings } from '../../src/server.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';
import { BusyClock } from './busy-clock.ts';

function served(settings: ServerSettings) {
  const warnings: LogEvent[] = [];
  const log = (event: LogEvent): void => void (event.level === 'warn' && warnings.push(event));
  return { ...serve({ ...settings, log, maxInterval: 1_000_000 }), warnings };
}

const limited = { successful: false, error: '429::rate_limited' };

/** Whether each of these messages got through. */
const through = (conduits: readonly FakeConduit[]) => conduits.map(({ reply }) => reply.successful);

async function times(count: number, send: () => Promise<FakeConduit>): Promise<readonly FakeConduit[]> {
  const all: FakeConduit[] = [];
  for (let at = 0; at < count; at += 1) all.push(await send());
  return all;
}

describe('publishes of a session', () => {
  it('fail above the rate, and say when the next may come', async () => {
    const { server, clock, warnings } = served({ limits: { publishes: 2 } });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const all = await times(4, () => ann.publish('/a', 1));
    expect(through(all)).toEqual([true, true, false, false]);
    expect(all[2]?.reply).toEqual({
      ...limited,
      id: expect.any(String),
      channel: '/a',
      ext: { retryAfter: 500 },
    });
    expect(through([await bob.publish('/a', 1)])).toEqual([true]);
    await clock.tick(499);
    expect(through([await ann.publish('/a', 1)])).toEqual([false]);
    await clock.tick(1);
    expect(through([await ann.publish('/a', 1)])).toEqual([true]);
    expect(warnings).toMatchObject([{ event: 'message.refused', option: 'limits.publishes', count: 1 }]);
    expect(warnings[0]?.why).toBe('"limits.publishes" is 2 a second; raise it to allow more');
    expect(server.refused).toEqual({ 'limits.publishes': 3 });
  });

  it('never reach the policy or a listener above the rate', async () => {
    const heard: unknown[] = [];
    const canPublish = ({ message }: { message: object }) => heard.push(message) > 0;
    const { server } = served({ limits: { publishes: 1 }, policy: { canPublish } });
    server.subscribe('/a', ({ data }) => heard.push(data));
    const ann = await FakeClient.connected(server);
    await times(3, () => ann.publish('/a', 1));
    expect(heard).toHaveLength(2);
  });

  it('without a session are counted by address', async () => {
    const { server } = served({ limits: { publishes: 1 }, unconnectedPublish: 'allow' });
    const publish = (address: string) => ask(server, { channel: '/a', data: 1 }, exchange({ address }));
    const all = [await publish('10.0.0.1'), await publish('10.0.0.1'), await publish('10.0.0.2')];
    expect(through(all)).toEqual([true, false, true]);
  });

  it('of the application itself are not counted', async () => {
    const { server } = served({ limits: { publishes: 1 } });
    const local = await server.localSession();
    for (let at = 0; at < 5; at += 1) await local.publish('/a', at);
    expect(server.refused).toEqual({});
  });
});

describe('subscribes of a session', () => {
  it('are counted by their patterns, and unsubscribes with them', async () => {
    const { server, clock } = served({ limits: { subscribes: 4 } });
    const ann = await FakeClient.connected(server);
    expect(through([await ann.subscribe(['/a', '/b', '/c'])])).toEqual([true]);
    expect(through([await ann.unsubscribe('/a'), await ann.subscribe('/d')])).toEqual([true, false]);
    await clock.tick(250);
    expect(through([await ann.subscribe('/d')])).toEqual([true]);
  });

  it('with more patterns than the rate have to wait for a second without any, and then for all', async () => {
    const { server, clock } = served({ limits: { subscribes: 2 } });
    const ann = await FakeClient.connected(server);
    expect(through([await ann.subscribe(['/a', '/b', '/c', '/d'])])).toEqual([true]);
    await clock.tick(1_400);
    expect((await ann.subscribe('/e')).reply).toMatchObject({ ...limited, ext: { retryAfter: 100 } });
    await clock.tick(100);
    expect(through([await ann.subscribe('/e')])).toEqual([true]);
  });
});

describe('messages of a user', () => {
  const policy = { canHandshake: () => ({ allow: true, user: 'ann' }) as const };

  it('are counted over all sessions of the user', async () => {
    const { server } = served({ policy, limits: { publishesPerUser: 2, subscribesPerUser: 1 } });
    const [one, two] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const publishes = [await one.publish('/a', 1), await two.publish('/a', 1), await two.publish('/a', 1)];
    expect(through(publishes)).toEqual([true, true, false]);
    expect(through([await one.subscribe('/a'), await two.subscribe('/a')])).toEqual([true, false]);
    expect(server.refused).toEqual({ 'limits.publishesPerUser': 1, 'limits.subscribesPerUser': 1 });
  });
});

describe('messages by channel rule', () => {
  it('are counted for all channels of the rule together, and for no other', async () => {
    const channels = { '/chat/**': { rate: { publishes: 2, subscribes: 1 } }, '/chat/vip': { rate: {} } };
    const { server, warnings } = served({ channels });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const publishes = [
      await ann.publish('/chat/a', 1),
      await bob.publish('/chat/b', 1),
      await ann.publish('/chat/c', 1),
      await ann.publish('/chat/vip', 1),
      await ann.publish('/other', 1),
    ];
    expect(through(publishes)).toEqual([true, true, false, true, true]);
    expect(through([await ann.subscribe('/chat/*'), await bob.subscribe('/chat/a')])).toEqual([true, false]);
    const place = 'channels["/chat/**"].rate';
    expect(warnings.map(({ option }) => option)).toEqual([`${place}.publishes`, `${place}.subscribes`]);
  });

  it('are counted for each session, on service channels too', async () => {
    const { server } = served({ channels: { '/service/sum': { rate: { publishesPerSession: 1 } } } });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    const all = [await ann, ann, bob].map((client) => client.publish('/service/sum', 1));
    expect(through(await Promise.all(all))).toEqual([true, false, true]);
  });
});

describe('bytes of a session', () => {
  const data = 'x'.repeat(1_000);

  /** Sends a publish of a little more than 1,000 bytes, as a transport does. */
  function send(client: FakeClient, conduit: FakeConduit, channel = '/a') {
    const text = JSON.stringify([client.message(channel, { data })]);
    return client.server.receive(client.server.decode(text), conduit, text);
  }

  it('above the rate wait, in the order in which they came', async () => {
    const { server, clock, warnings } = served({ limits: { bytes: 1_500 } });
    const heard: string[] = [];
    server.subscribe('/**', ({ channel }) => heard.push(channel));
    const ann = await FakeClient.connected(server);
    const wire = socket();
    for (const channel of ['/a', '/b', '/c']) void send(ann, wire, channel);
    expect(heard).toEqual(['/a']);
    expect(server.intake.used).toBeGreaterThan(2_000);
    await clock.tick(500);
    expect(heard).toEqual(['/a', '/b']);
    await clock.tick(1_000);
    expect(heard).toEqual(['/a', '/b', '/c']);
    expect([server.intake.used, ann.session.waitingBytes]).toEqual([0, 0]);
    expect(wire.replies).toHaveLength(3);
    expect(warnings).toMatchObject([{ event: 'request.delayed', option: 'limits.bytes', limit: 1_500 }]);
  });

  it('keep their order where a timer is late', async () => {
    const clock = new BusyClock();
    const { server } = served({ clock, limits: { bytes: 1_500 } });
    const heard: string[] = [];
    server.subscribe('/**', ({ channel }) => heard.push(channel));
    const ann = await FakeClient.connected(server);
    const wire = socket();
    for (const channel of ['/a', '/b']) void send(ann, wire, channel);
    clock.stall(5_000);
    void send(ann, wire, '/c');
    expect(heard).toEqual(['/a']);
    await clock.tick(1_000);
    expect(heard).toEqual(['/a', '/b', '/c']);
  });

  it('of a connect count, and a connect never waits', async () => {
    const { server } = served({ limits: { bytes: 1_000 } });
    const ann = await FakeClient.connected(server);
    void send(ann, exchange());
    const text = JSON.stringify([ann.message('/meta/connect', { advice: { timeout: 0 } })]);
    const poll = exchange();
    await server.receive(server.decode(text), poll, text);
    expect(poll.reply.successful).toBe(true);
  });

  it('are refused when they would wait for more than 8 seconds, and say when to come again', async () => {
    const { server } = served({ limits: { bytes: 200 } });
    const ann = await FakeClient.connected(server);
    const all = [exchange(), exchange(), exchange()];
    for (const conduit of all) void send(ann, conduit);
    expect(all.map(({ ends }) => ends)).toEqual([[], ['capacity'], ['capacity']]);
    expect(all[1]?.retryAfter).toBeGreaterThan(0);
    expect(server.refused['limits.bytes']).toBeGreaterThan(0);
  });

  it('that wait are handled at once when the server closes', async () => {
    const { server, clock } = served({ limits: { bytes: 500 } });
    const ann = await FakeClient.connected(server);
    const sent = send(ann, exchange());
    await server.close();
    await sent;
    expect([clock.pending, server.intake.used]).toEqual([0, 0]);
  });
});
