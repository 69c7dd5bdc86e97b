import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiKey, ServerSettings } from '../../../src/index.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { KEY, type Probe, probe } from './probe.ts';

const reader: ApiKey = { name: 'reader', key: 'a-key-that-reads-all', rights: ['read'], channels: ['/**'] };
const chat: ApiKey = { name: 'chat', key: 'a-key-for-the-chat', rights: ['read'], channels: ['/chat/**'] };
const writer: ApiKey = { name: 'writer', key: 'a-key-that-writes', rights: ['publish'], channels: ['/**'] };
const keys = [reader, chat, writer];

/** A stream that was opened. */
interface Tail {
  readonly response: IncomingMessage;
  /** What came so far: the name and the JSON of each. */
  readonly came: readonly (readonly [string, Readonly<Record<string, unknown>>])[];
}

async function tail({ url }: Probe, query: string, { key = '' }: ApiKey): Promise<Tail> {
  const request = get(`${url}/tail?${query}`, { headers: { 'X-API-Key': key } });
  onTestFinished(() => void request.destroy());
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  const came: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const [, name = '', json = ''] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? ['', 'comment', '""'];
      if (name !== 'comment') came.push([name, JSON.parse(json)]);
    }
  });
  return { response, came };
}

const started = (settings: ServerSettings = {}) => probe({ key: KEY, keys }, settings);

describe('GET /tail', () => {
  it('sends what is published to the pattern, with the publisher', async () => {
    const place = await started({ policy: { canHandshake: () => ({ allow: true, user: 'ann' }) } });
    const { server, clock } = place;
    const { response, came } = await tail(place, 'channel=/chat/*', reader);
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
    const client = await FakeClient.open(server);
    await client.publish('/chat/news', { text: 'hello\n\nevent: end' });
    await server.publish('/news', 'not this');
    await server.publish('/chat/sport', null);
    const at = clock.now();
    await expect.poll(() => came).toHaveLength(2);
    expect(came).toEqual([
      [
        'event',
        {
          ...{ at, channel: '/chat/news', data: { text: 'hello\n\nevent: end' } },
          ...{ session: client.session.id, user: 'ann' },
        },
      ],
      ['event', { at, channel: '/chat/sport', data: null }],
    ]);
    expect(JSON.stringify(came)).not.toContain(client.session.clientId);
  });

  it('opens no session and joins no presence', async () => {
    const place = await started({ channels: { '/chat/**': { presence: true } } });
    const { came } = await tail(place, 'channel=/chat/a', reader);
    expect(await place.server.publish('/chat/a', 1)).toEqual({ sessions: 0 });
    await expect.poll(() => came).toHaveLength(1);
    expect(place.server.sessions.size).toBe(0);
    expect(await place.server.presence('/chat/a').users()).toEqual([]);
  });

  it('hides the publisher from keys that do not read every channel', async () => {
    const place = await started({ policy: { canHandshake: () => ({ allow: true, user: 'ann' }) } });
    const { came } = await tail(place, 'channel=/chat/**', chat);
    const client = await FakeClient.open(place.server);
    await client.publish('/chat/a', 1);
    await expect.poll(() => came).toHaveLength(1);
    expect(came).toEqual([['event', { at: place.clock.now(), channel: '/chat/a', data: 1 }]]);
  });

  it('has nothing that is addressed to a user, sent to a service channel, or told of presence', async () => {
    const place = await started({
      policy: { canHandshake: () => ({ allow: true, user: 'ann' }) },
      channels: { '/chat/**': { presence: true }, '/service/direct': { addressed: true } },
    });
    const { server } = place;
    const { came } = await tail(place, 'channel=/**', reader);
    const client = await FakeClient.open(server);
    await client.subscribe(['/chat/a', '/presence/chat/a']);
    await client.publish('/service/direct', { receivers: ['ann'], payload: 'for ann' });
    await client.publish('/service/own', 'for the server');
    expect((await server.user('ann').deliver('/private', 'for ann')).sessions).toBe(1);
    await server.publish('/last', 'for all');
    await expect.poll(() => came.length).toBeGreaterThan(0);
    expect(came.map(([, event]) => event)).toEqual([expect.objectContaining({ channel: '/last' })]);
  });

  it.each([
    ['channel=/**', chat, 403, 'channel_denied'],
    ['channel=/chat/a', writer, 403, 'right_missing'],
    ['channel=/chat/a', { ...reader, key: 'wrong' }, 401, 'key_wrong'],
    ['channel=chat', reader, 400, 'channel_invalid'],
    ['', reader, 400, 'query_invalid'],
  ] as const)('refuses %s', async (query, key, status, code) => {
    const { get } = await started();
    expect((await get(`/tail?${query}`, { key: key.key })).body).toMatchObject({ status, code });
  });

  it('ends after `count` events', async () => {
    const place = await started();
    const { response, came } = await tail(place, 'channel=/a&count=2', reader);
    const ended = once(response, 'end');
    for (const n of [1, 2, 3]) await place.server.publish('/a', n);
    await ended;
    expect(came.map(([name]) => name)).toEqual(['event', 'event', 'end']);
  });

  it('ends when the server is closed, and says so', async () => {
    const place = await started();
    const { response, came } = await tail(place, 'channel=/a', reader);
    const ended = once(response, 'end');
    await place.server.close();
    await place.clock.tick(1_000);
    await ended;
    expect(came).toEqual([['end', { code: 'closing', detail: 'the server is closed' }]]);
  });

  it.each([
    ['is removed', [writer], 'key_wrong'],
    ['has other rights', [{ ...reader, channels: ['/b'] }], 'right_missing'],
  ] as const)('ends within 15 seconds when the key %s', async (_what, others, code) => {
    let current: readonly ApiKey[] = keys;
    const place = await probe({ keys: () => current });
    const { response, came } = await tail(place, 'channel=/a', reader);
    const ended = once(response, 'end');
    await place.clock.tick(15_000);
    expect(came).toEqual([]);
    current = others;
    await place.clock.tick(15_000);
    await ended;
    expect(came).toEqual([['end', expect.objectContaining({ code })]]);
  });

  it('drops events for a caller that does not read, and says how many', async () => {
    const place = await started({ maxMessageSize: 2_000_000 });
    const { response, came } = await tail(place, 'channel=/a', reader);
    response.pause();
    const data = 'x'.repeat(100_000);
    // Sockets take some megabytes before anything waits here.
    for (let n = 0; n < 500; n += 1) {
      await place.server.publish('/a', data);
      await new Promise(setImmediate);
    }
    response.resume();
    await expect
      .poll(async () => {
        await place.clock.tick(1_000);
        return came.at(-1)?.[0];
      })
      .toBe('dropped');
    const dropped = came.flatMap(([name, { count }]) => (name === 'dropped' ? [Number(count)] : []));
    const events = came.filter(([name]) => name === 'event').length;
    expect(events + dropped.reduce((sum, count) => sum + count, 0)).toBe(500);
  });

  it('leaves no timer and no listener behind when the caller goes', async () => {
    const place = await started();
    const before = place.clock.pending;
    const { response } = await tail(place, 'channel=/a', reader);
    expect(place.clock.pending).toBe(before + 1);
    response.destroy();
    await expect.poll(() => place.clock.pending).toBe(before);
  });

  it('has at most 50 streams, and answers HEAD without one', async () => {
    const place = await started();
    const all = [];
    for (let n = 0; n < 50; n += 1) all.push(await tail(place, 'channel=/a', reader));
    const full = await place.get('/tail?channel=/a', { key: KEY });
    expect(full.body).toMatchObject({ status: 503, code: 'no_room' });
    all[0]?.response.destroy();
    const opened = async () => (await tail(place, 'channel=/a&count=1', reader)).response.statusCode;
    await expect.poll(opened).toBe(200);
    const elsewhere = await started();
    for (let n = 0; n < 60; n += 1)
      expect((await elsewhere.call('HEAD', '/tail?channel=/a', { key: KEY })).status).toBe(200);
  });
});
