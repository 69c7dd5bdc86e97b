import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../src/index.ts';
import { HeldPoll } from './support/held-poll.ts';
import { start } from './support/start.ts';
import { until } from './support/until.ts';
import { type Work, WorkMeter } from './support/work-meter.ts';
import { masked, WebSocketClient, type Wire } from './transports/websocket-client.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

const nothing: ServerSettings = { ack: false, timesync: false, binary: false };

const everything = {
  lazy: 500,
  broadcastToPublisher: false,
  history: true,
  presence: true,
  overflow: { action: 'dropOldest', maxEvents: 100 },
  schema: { type: 'number' },
} as const;

describe.each([1, 10, 50])('to %i sockets', (subscribers) => {
  it.each([1, 32])(
    '%i publishes of a turn are a text each, and one frame and a write for a socket; no promise',
    async (publishes) => {
      expect(await overSockets(subscribers, publishes)).toEqual({
        events: publishes,
        replies: publishes,
        frames: 1 + publishes,
        writes: subscribers + 1,
        promises: 0,
      });
    },
  );

  it.each<[string, ServerSettings]>([
    ['a policy that answers at once', { policy: { canPublish: () => true } }],
    [
      'an extension that looks at publishes',
      {
        extensions: [{ name: 'looks', incoming: (request) => request, publishing: (event) => event }],
      },
    ],
    ['what the server offers and no client asked for', { ack: true, timesync: {}, binary: true }],
    ['what is set for other channels', { channels: { '/other/**': everything } }],
    ['a rule for what does not fit', { channels: { '/n': { overflow: everything.overflow } } }],
    ['a timestamp', { ...nothing, timestamp: 'iso' }],
    ['repeating what was lost', { ...nothing, redelivery: 'resend' }],
    [
      'addressed messages on another channel',
      { channels: { '/service/direct': { addressed: { ttl: 1000 } } } },
    ],
    ['presence', { ...nothing, channels: { '/n': { presence: true } }, presence: { everyone: 'full' } }],
    ['a schema', { channels: { '/n': { schema: everything.schema } } }],
  ])('%s: no more work', async (_name, settings) => {
    expect(await overSockets(subscribers, 1, settings)).toEqual(await overSockets(subscribers, 1));
    expect(await overSockets(subscribers, 32, settings)).toEqual(await overSockets(subscribers, 32));
  });

  it('a history in memory is one text more for each publish', async () => {
    const channels = { '/n': { history: true } };
    const plain = await overSockets(subscribers, 32);
    expect(await overSockets(subscribers, 32, { ...nothing, channels })).toEqual({
      ...plain,
      events: 2 * 32,
    });
  });

  // AK-8: what is acknowledged travels with a connect reply, which is each client's own.
  it('that acknowledge, a turn of publishes is one text each, a reply, a frame and a write for a client', async () => {
    const work = await overSockets(subscribers, 32, { ack: true }, { ext: { ack: true } });
    expect(work).toMatchObject({ events: 32, writes: subscribers + 1, promises: 0 });
    expect(work.frames).toBe(subscribers + 32);
    expect(work.replies).toBeLessThanOrEqual(2 * subscribers + 32);
  });
});

describe.each([1, 10, 50])('to %i users', (users) => {
  it('an addressed message is one text, and one frame and a write for a socket', async () => {
    const { http, url } = await start({
      ...nothing,
      policy: { canHandshake: ({ message: { ext } }) => ({ allow: true, user: String(ext?.user) }) },
      channels: { '/service/direct': { addressed: true } },
    });
    const meter = new WorkMeter(http);
    const receivers = upTo(users).map((at) => `user-${at}`);
    const clients = await Promise.all(receivers.map((user) => subscriber(url, { ext: { user } })));
    const sender = await WebSocketClient.connected(url);
    const message = sender.message('/service/direct', { data: { receivers, payload: 1 } });
    const bytes = masked(JSON.stringify([message]));
    const all = sender.messages.length + 1;
    const work = await meter.count(
      () => void sender.socket.write(bytes),
      () =>
        sender.messages.length === all &&
        clients.every((client) => client.data('/service/direct').length === 1),
    );
    expect(work).toMatchObject({ events: 1, replies: 1, frames: 2, writes: users + 1 });
  });
});

describe.each([1, 10, 50])('to %i held polls', (subscribers) => {
  it.each([1, 32])(
    '%i publishes of a turn are a text each, and a reply and a write for a poll; no promise',
    async (publishes) => {
      expect(await overPolls(subscribers, publishes)).toMatchObject({
        events: publishes,
        replies: subscribers + publishes,
        writes: subscribers + 1,
        promises: 0,
      });
    },
  );
});

async function overSockets(
  subscribers: number,
  publishes: number,
  settings: ServerSettings = nothing,
  handshake: Wire = {},
): Promise<Work> {
  const { http, url } = await start(settings);
  const meter = new WorkMeter(http);
  const clients = await Promise.all(upTo(subscribers).map(() => subscriber(url, handshake)));
  return publishing(url, publishes, meter, () =>
    clients.every((client) => client.data('/n').length === publishes),
  );
}

async function subscriber(url: string, handshake: Wire): Promise<WebSocketClient> {
  const client = await WebSocketClient.shaken(url, handshake);
  await client.connected('/n');
  client.hold();
  return client;
}

async function overPolls(subscribers: number, publishes: number): Promise<Work> {
  const { http, server, url } = await start(nothing);
  const meter = new WorkMeter(http);
  const polls = await Promise.all(upTo(subscribers).map(() => HeldPoll.subscribed(url, '/n')));
  await until(() => [...server.sessions].every(({ state }) => state === 'held'));
  return publishing(url, publishes, meter, () => polls.every(({ isAnswered }) => isAnswered));
}

/** The work of so many publishes that arrive together, until all of them were answered and received. */
async function publishing(
  url: string,
  publishes: number,
  meter: WorkMeter,
  received: () => boolean,
): Promise<Work> {
  const publisher = await WebSocketClient.connected(url);
  const messages = upTo(publishes).map((data) => publisher.message('/n', { data }));
  const bytes = Buffer.concat(messages.map((message) => masked(JSON.stringify([message]))));
  const all = publisher.messages.length + publishes;
  return meter.count(
    () => void publisher.socket.write(bytes),
    () => publisher.messages.length === all && received(),
  );
}
