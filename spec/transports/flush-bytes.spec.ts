import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../src/index.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import { send } from '../http/send.ts';
import { start } from '../support/start.ts';
import type { Wire } from '../support/fake-conduit.ts';
import { until } from '../support/until.ts';
import { reach } from './sessions.ts';
import { WebSocketClient } from './websocket-client.ts';

const FRAME = 65_536;
const RESPONSE = 524_288;
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Events of about a hundred bytes, in letters of one byte or of three. */
const texts = {
  ASCII: (at: number) => `${at}`.padEnd(100, 'x'),
  'multi-byte text': (at: number) => `${at}`.padEnd(4, ' ').padEnd(36, '漢'),
};
const kinds = Object.entries(texts);

const sizes = (frames: readonly string[]) => frames.map((frame) => Buffer.byteLength(frame));
const replies = (messages: readonly Wire[]) => messages.filter((one) => 'successful' in one);

/** A publisher that hears itself, on a WebSocket, and the frames that it gets from now on. */
async function selfish(options: ServerOptions = {}) {
  const { server, url } = await start(options);
  const alice = await WebSocketClient.connected(url, '/news');
  const before = { frames: alice.frames.length, messages: alice.messages.length };
  const frames = () => alice.frames.slice(before.frames);
  const messages = () => alice.messages.slice(before.messages);
  return { server, alice, frames, messages };
}

describe('a WebSocket frame carries at most 64 KiB (DL-11)', () => {
  it.each(kinds)('of 520 events, with their commas and brackets: %s', async (_kind, text) => {
    const { server, alice, frames } = await selfish();
    for (const at of upTo(520)) void server.publish('/news', text(at));
    await until(() => alice.data('/news').length === 520);
    expect(alice.data('/news')).toEqual(upTo(520).map(text));
    expect(Math.max(...sizes(frames()))).toBeLessThanOrEqual(FRAME);
    expect(frames()).toHaveLength(2);
  });

  it.each(kinds)('of 520 events and the replies to them: %s', async (_kind, text) => {
    const { alice, frames, messages } = await selfish();
    alice.send(...upTo(520).map((at) => alice.message('/news', { data: text(at) })));
    await until(() => messages().length === 1040);
    expect(alice.data('/news')).toEqual(upTo(520).map(text));
    expect(Math.max(...sizes(frames()))).toBeLessThanOrEqual(FRAME);
    expect(
      messages()
        .slice(0, 520)
        .every((one) => 'data' in one),
    ).toBe(true);
  });

  it.each(kinds)('of 520 events and replies with the time on each: %s', async (_kind, text) => {
    const { alice, frames, messages } = await selfish({ timestamp: 'iso' });
    alice.send(...upTo(520).map((at) => alice.message('/news', { data: text(at) })));
    await until(() => messages().length === 1040);
    expect(alice.data('/news')).toEqual(upTo(520).map(text));
    expect(Math.max(...sizes(frames()))).toBeLessThanOrEqual(FRAME);
  });

  it('of replies alone', async () => {
    const { alice, frames, messages } = await selfish({ timestamp: 'iso' });
    const asked = upTo(1000).map(() => alice.message('/elsewhere', { data: 1 }));
    alice.send(...asked);
    await until(() => messages().length === 1000);
    expect(replies(messages()).map(({ id }) => id)).toEqual(asked.map(({ id }) => id));
    expect(Math.max(...sizes(frames()))).toBeLessThanOrEqual(FRAME);
    expect(frames()).toHaveLength(2);
  });

  it('of no more messages than the option says either', async () => {
    const { alice, frames, messages } = await selfish({
      websocket: { messagesPerFrame: 300, maxFlushBytes: 20_000 },
    });
    alice.send(...upTo(500).map((at) => alice.message('/news', { data: texts.ASCII(at) })));
    await until(() => messages().length === 1000);
    expect(alice.data('/news')).toEqual(upTo(500).map(texts.ASCII));
    expect(Math.max(...sizes(frames()))).toBeLessThanOrEqual(20_000);
    expect(Math.max(...frames().map((frame) => JSON.parse(frame).length))).toBe(300);
  });

  it('before it is compressed', async () => {
    const { server, url } = await start({ websocket: { perMessageDeflate: true } });
    const alice = await WebSocketClient.open(url, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    await alice.handshake();
    await alice.connected('/news');
    for (const at of upTo(520)) void server.publish('/news', texts.ASCII(at));
    await until(() => alice.data('/news').length === 520);
    expect(Math.max(...sizes(alice.frames))).toBeLessThanOrEqual(FRAME);
  });

  it('with acknowledgement too, the reply in the last one (AK-8)', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.shaken(url, { ext: { ack: true } });
    await alice.connected('/news');
    const before = alice.frames.length;
    const held = alice.hold();
    for (const at of upTo(900)) void server.publish('/news', texts.ASCII(at));
    expect(await alice.reply(held)).toMatchObject({ ext: { ack: 2 } });
    const frames = alice.frames.slice(before);
    expect(alice.data('/news')).toEqual(upTo(900).map(texts.ASCII));
    expect(Math.max(...sizes(frames))).toBeLessThanOrEqual(FRAME);
    expect(frames).toHaveLength(2);
    expect(alice.messages.at(-1)).toMatchObject({ id: held.id });
  });

  it('unless one event is larger: it goes alone, and the log says so once for its channel', async () => {
    const log: LogEvent[] = [];
    const { server, url } = await start({ log: (event) => log.push(event) });
    const alice = await WebSocketClient.connected(url, '/news', '/other');
    const before = alice.frames.length;
    const big = 'x'.repeat(70_000);
    for (const data of ['a', big, 'b', big]) void server.publish('/news', data);
    void server.publish('/other', big);
    await until(() => alice.data('/other').length === 1);
    expect(alice.frames.slice(before).map((frame) => JSON.parse(frame).length)).toEqual([1, 1, 1, 1, 1]);
    const told = { level: 'warn', event: 'event.oversized', transport: 'websocket', limit: FRAME };
    expect(log.filter(({ event }) => event === 'event.oversized')).toEqual([
      { ...told, channel: '/news', bytes: 70_031 },
      { ...told, channel: '/other', bytes: 70_032 },
    ]);
  });
});

/** A publisher that hears itself, by long-polling; `say` gives the size of the response and what is in it. */
async function selfishPoller(options: ServerOptions = {}, ext: Wire = {}) {
  const { server, url } = await start({ maxMessageSize: 1_048_576, ...options });
  const headers = { 'Content-Type': 'application/json' };
  let clientId: unknown;
  const say = async (...messages: readonly Wire[]) => {
    const named = messages.map((message) => ({ clientId, ...message }));
    const { text: body } = await send(url, 'POST', '', headers, JSON.stringify(named));
    const read: Wire[] = JSON.parse(body);
    return { bytes: Buffer.byteLength(body), messages: read, data: read.flatMap(({ data }) => data ?? []) };
  };
  const connect = { channel: '/meta/connect', connectionType: 'long-polling' };
  const shake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const [welcome] = (await say({ ...shake, ext })).messages;
  clientId = welcome?.clientId;
  await say({ channel: '/meta/subscribe', subscription: '/news' });
  await say(connect);
  return { server, say, poll: (fields: Wire = {}) => say({ ...connect, ...fields }) };
}

describe('an HTTP response carries at most 512 KiB (DL-11)', () => {
  it.each([
    ['of events and replies', {}],
    ['of events and replies with the time on each', { timestamp: 'iso' }],
  ] as const)('%s', async (_what, options) => {
    const { say, poll } = await selfishPoller(options);
    const data = upTo(1000).map((at) => `${at}`.padEnd(450, '漢'));
    const first = await say(...data.slice(0, 500).map((one) => ({ channel: '/news', data: one })));
    expect(replies(first.messages)).toHaveLength(500);
    expect(first.bytes).toBeGreaterThan(RESPONSE - 5_000);
    expect(first.bytes).toBeLessThanOrEqual(RESPONSE);
    const got = [...first.data];
    while (got.length < 500) {
      const next = await poll();
      expect(next.bytes).toBeLessThanOrEqual(RESPONSE);
      got.push(...next.data);
    }
    expect(got).toEqual(data.slice(0, 500));
  });

  it('whatever the replies leave: where they leave nothing, the events come with the next connect', async () => {
    const { say, poll } = await selfishPoller({ maxFlushBytes: 5_000 });
    const asked = upTo(150).map((at) => ({ channel: '/news', data: at, id: `${at}` }));
    const { messages } = await say(...asked);
    expect(messages.map(({ id }) => id)).toEqual(asked.map(({ id }) => id));
    const got: unknown[] = [];
    while (got.length < 150) {
      const next = await poll();
      expect(next.bytes).toBeLessThanOrEqual(5_000);
      got.push(...next.data);
    }
    expect(got).toEqual(upTo(150));
  });

  it.each([
    ['what ack adds to the reply', {}, { ack: true }],
    [
      'the position that a reply tells',
      { channels: { '/news': { history: true } } },
      { replayTighten: true },
    ],
  ] as const)('with %s', async (_what, options, ext) => {
    for (let maxFlushBytes = 600; maxFlushBytes < 640; maxFlushBytes += 1) {
      const { server, poll } = await selfishPoller({ maxFlushBytes, ...options }, ext);
      for (const at of upTo(7)) void server.publish('/news', at);
      const got: unknown[] = [];
      for (let ack = 2; got.length < 7; ack += 1) {
        const { bytes, data } = await poll('ack' in ext ? { ext: { ack } } : {});
        expect(bytes).toBeLessThanOrEqual(maxFlushBytes);
        expect(data.length).toBeGreaterThan(0);
        got.push(...data);
      }
      expect(got).toEqual(upTo(7));
    }
  });

  it.each([
    ['at once', {}],
    ['until it is acknowledged', { ack: true }],
  ])('with gaps on many channels, told %s', async (_when, ext) => {
    const options = {
      maxFlushBytes: 30_000,
      maxQueueBytes: 1_000,
      queueOverflow: 'dropNewest',
    } as const;
    const { server, say, poll } = await selfishPoller(options, ext);
    await say({ channel: '/meta/unsubscribe', subscription: '/news' });
    await say({ channel: '/meta/subscribe', subscription: '/many/*' });
    const channels = upTo(500).map((at) => `/many/${at}`.padEnd(150, 'x'));
    await server.publish('/many/first', 'x'.repeat(900));
    for (const channel of channels) await server.publish(channel, 1);
    const told = new Set<string>();
    for (let ack = 2; told.size < channels.length; ack += 1) {
      const { bytes, messages } = await poll({
        advice: { timeout: 0 },
        ...('ack' in ext && { ext: { ack } }),
      });
      expect(bytes).toBeLessThanOrEqual(30_000);
      const before = told.size;
      const gap = messages.at(-1)?.ext as { readonly gap?: object } | undefined;
      for (const [channel, lost] of Object.entries(gap?.gap ?? {})) {
        expect([told.has(channel), lost]).toEqual([false, { count: 1 }]);
        told.add(channel);
      }
      expect(told.size).toBeGreaterThan(before);
    }
    expect(told).toEqual(new Set(channels));
  });

  it('but at least one event with a connect', async () => {
    const { server, poll } = await selfishPoller({ maxFlushBytes: 100 });
    for (const at of upTo(3)) void server.publish('/news', at);
    for (const at of upTo(3)) expect((await poll()).data).toEqual([at]);
  });
});

describe('what a transport puts around the messages counts (DL-11)', () => {
  const types = ['callback-polling', 'eventsource', 'long-polling'];
  const shake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: types };

  /** A session that listens, and what it says by POST. */
  async function listener(maxFlushBytes: number) {
    const { server, url } = await start({ maxFlushBytes });
    const say = async (message: Wire): Promise<Wire | undefined> => {
      const type = { 'Content-Type': 'application/json' };
      return JSON.parse((await send(url, 'POST', '', type, JSON.stringify(message))).text)[0];
    };
    const clientId = (await say(shake))?.clientId;
    await say({ channel: '/meta/subscribe', clientId, subscription: '/news' });
    return { server, url, clientId, say };
  }

  it('the call of a JSONP answer', async () => {
    for (let maxFlushBytes = 600; maxFlushBytes < 640; maxFlushBytes += 1) {
      const { server, url, clientId, say } = await listener(maxFlushBytes);
      await say({ channel: '/meta/connect', clientId, connectionType: 'long-polling' });
      for (const at of upTo(40)) void server.publish('/news', at);
      const connect = { channel: '/meta/connect', clientId, connectionType: 'callback-polling' };
      const query = `?jsonp=some.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn&message=${encodeURIComponent(JSON.stringify([connect]))}`;
      const { text } = await send(url, 'GET', query, { Referer: url });
      expect(text).toContain(
        'some.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn([{"channel":"/news"',
      );
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxFlushBytes);
    }
  });

  it('the field name and the blank line of an event stream', async () => {
    for (let maxFlushBytes = 600; maxFlushBytes < 640; maxFlushBytes += 1) {
      const { server, url, clientId } = await listener(maxFlushBytes);
      const stream = await reach(url).stream(String(clientId));
      for (const at of upTo(40)) void server.publish('/news', at);
      await stream.lines.until((lines) => lines.some((line) => line.includes('"data":39')));
      const sent = stream.lines.items.filter((line) => line !== '').map((line) => `${line}\n\n`);
      expect(Math.max(...sizes(sent))).toBeLessThanOrEqual(maxFlushBytes);
    }
  });
});
