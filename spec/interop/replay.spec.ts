import * as cometd from 'cometd';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryHistory, type ServerSettings } from '../../src/index.ts';
import { cometdDriver } from './cometd-driver.ts';
import { close, patience } from './columns.ts';
import { type Hosting, host } from './host.ts';
import { jsforceClient, StreamingExtension } from './jsforce.ts';
import './node-clients.ts';

const settings: ServerSettings = { channels: { '/u/**': { history: true } }, maxSessionsPerBrowser: -1 };

/** What Salesforce's events look like. */
const payload = (text: string) => ({ payload: text, event: { kind: 'created' } });

interface Received {
  readonly payload: string;
  readonly event: { readonly replayId: number; readonly createdDate: string; readonly kind: string };
}

async function publish({ server }: Hosting, channel: string, ...texts: string[]): Promise<void> {
  for (const text of texts) await server.publish(channel, payload(text));
}

/** jsforce's own client with its own extension, as its documentation puts them together. */
function streaming(origin: string, channel: string, replayId: number, transport: string) {
  const extension = new StreamingExtension.Replay(channel, replayId);
  const client = jsforceClient(origin, [extension]);
  if (transport !== 'websocket') client.disable('websocket');
  onTestFinished(async () => void (await client.disconnect()));
  const heard: Received[] = [];
  const hear = (pattern = channel) =>
    client.subscribe(pattern).withChannel((_channel, data) => void heard.push(data as Received));
  return { client, extension, heard, hear, texts: () => heard.map((one) => one.payload) };
}

describe.each(['long-polling', 'websocket'])('jsforce’s replay extension over %s', (transport) => {
  const start = () => host(settings, { path: '/cometd' });

  it('-1: only what is new', async () => {
    const place = await start();
    await publish(place, '/u/a', 'old');
    const { hear, texts } = streaming(place.origin, '/u/a', -1, transport);
    await hear();
    await publish(place, '/u/a', 'new');
    await expect.poll(texts, patience).toEqual(['new']);
  });

  it('-2: all there is, with ids and dates where it looks for them', async () => {
    const place = await start();
    await publish(place, '/u/a', 'one', 'two');
    const { extension, heard, hear, texts } = streaming(place.origin, '/u/a', -2, transport);
    await hear();
    await publish(place, '/u/a', 'three');
    await expect.poll(texts, patience).toEqual(['one', 'two', 'three']);
    const ids = heard.map(({ event }) => event.replayId);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(extension._replay).toBe(ids[2]);
    for (const { event } of heard) {
      expect(event.kind).toBe('created');
      expect(event.createdDate).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });

  it('an id: what came after it, many pages of it', async () => {
    const place = await start();
    const first = streaming(place.origin, '/u/a', -1, transport);
    await first.hear();
    await publish(place, '/u/a', 'had');
    await expect.poll(first.texts, patience).toEqual(['had']);
    const missed = Array.from({ length: 1800 }, (_, at) => `missed ${at}`);
    await publish(place, '/u/a', ...missed);
    const again = streaming(place.origin, '/u/a', Number(first.heard[0]?.event.replayId), transport);
    await again.hear();
    await publish(place, '/u/a', 'new');
    await expect.poll(again.texts, patience).toEqual([...missed, 'new']);
  });

  it('an id that is too old: the subscription fails with what aiosfstream looks for', async () => {
    const place = await start();
    const { hear } = streaming(place.origin, '/u/a', 7, transport);
    const error = await new Promise((resolve, reject) => hear().then(reject, resolve));
    expect(error).toMatchObject({ code: 400, params: ['/u/a', '7'], message: 'replay_id_invalid' });
    expect([...place.server.sessions].map(({ subscriptions }) => subscriptions.size)).toEqual([0]);
  });

  it('the same entry with every subscribe counts for its own channel alone', async () => {
    const place = await start();
    await publish(place, '/u/a', 'a');
    await publish(place, '/u/b', 'b');
    const { hear, texts } = streaming(place.origin, '/u/a', -2, transport);
    await hear('/u/b');
    await hear();
    await expect.poll(texts, patience).toEqual(['a']);
    await publish(place, '/u/b', 'new');
    await expect.poll(texts, patience).toEqual(['a', 'new']);
  });

  it('goes on where it was after the server was restarted', async () => {
    const history = new MemoryHistory();
    const place = await host({ ...settings, history }, { path: '/cometd' });
    const { hear, texts } = streaming(place.origin, '/u/a', -1, transport);
    await hear();
    await publish(place, '/u/a', 'before');
    await expect.poll(texts, patience).toEqual(['before']);
    await place.stop();
    await place.start();
    await publish(place, '/u/a', 'meanwhile');
    await expect.poll(texts, patience).toEqual(['before', 'meanwhile']);
    await publish(place, '/u/a', 'after');
    await expect.poll(texts, patience).toEqual(['before', 'meanwhile', 'after']);
  });
});

interface Message {
  readonly channel: string;
  readonly successful?: boolean;
  readonly clientId?: string;
  readonly error?: string;
  readonly data?: Received;
  readonly ext?: { readonly replay?: unknown; readonly replayId?: number };
}

describe('EMP-Connector, by what it sends', () => {
  it('replays from its map, and tells by data.event.replayId where it is', async () => {
    const place = await host(settings, { path: '/cometd' });
    await publish(place, '/u/a', 'one', 'two');
    await publish(place, '/u/b', 'other');
    const url = `${place.origin}/cometd/59.0`;
    const post = async (suffix: string, message: object): Promise<Message[]> => {
      const headers = { 'Content-Type': 'application/json;charset=UTF-8', Authorization: 'Bearer token' };
      const response = await fetch(url + suffix, {
        method: 'POST',
        headers,
        body: JSON.stringify([message]),
      });
      return (await response.json()) as Message[];
    };
    const [welcome] = await post('/handshake', {
      id: '1',
      version: '1.0',
      minimumVersion: '1.0',
      channel: '/meta/handshake',
      supportedConnectionTypes: ['long-polling'],
      advice: { timeout: 60_000, interval: 0 },
      ext: { replay: true },
    });
    expect(welcome).toMatchObject({ successful: true, ext: { replay: true } });
    const clientId = welcome?.clientId;
    await post('/connect', { id: '2', channel: '/meta/connect', clientId, connectionType: 'long-polling' });

    const map = { '/u/a': -2, '/u/b': -1, '/plain': -2 };
    const subscribe = (subscription: string, replay: object) =>
      post('/', { id: '3', channel: '/meta/subscribe', clientId, subscription, ext: { replay } });
    const [subscribed] = await subscribe('/u/a', map);
    expect(subscribed).toMatchObject({ successful: true, ext: { replay: { '/u/a': { recovered: false } } } });

    const held = await post('/connect', { id: '4', channel: '/meta/connect', clientId });
    const events = held.flatMap(({ data }) => data ?? []);
    expect(events.map((one) => one.payload)).toEqual(['one', 'two']);
    for (const { event } of events) expect(Number.isInteger(event.replayId)).toBe(true);

    const [refused] = await subscribe('/u/b', { ...map, '/u/b': 99 });
    expect(refused).toMatchObject({ successful: false, error: '400:/u/b,99:replay_id_invalid' });
    const [id] = events.map(({ event }) => event.replayId);
    const [again] = await subscribe('/u/*', { ...map, '/u/*': id });
    expect(again).toMatchObject({ successful: true, ext: { replay: { '/u/*': { recovered: true } } } });
    const more = await post('/connect', { id: '6', channel: '/meta/connect', clientId });
    expect(more.flatMap(({ data }) => data?.payload ?? [])).toEqual(['two', 'other']);
  });
});

describe.each(['long-polling', 'websocket'])('cometd 9 over %s', (transport) => {
  it('says in ext from where, and hears in ext where it is', async () => {
    const place = await host(settings);
    await publish(place, '/u/a', ...Array.from({ length: 1200 }, (_, at) => String(at)));
    const client = new cometd.CometD();
    const driver = cometdDriver(client, place.url, transport);
    onTestFinished(() => close(driver));
    await driver.open();
    const texts: string[] = [];
    const ids: number[] = [];
    const reply = await new Promise<cometd.Message>((resolve) => {
      client.subscribe(
        '/u/*',
        ({ data, ext }) => {
          texts.push(data.payload);
          ids.push(Number((ext as { replayId?: unknown } | undefined)?.replayId));
        },
        { ext: { replay: { '/u/*': -2 } } },
        resolve,
      );
    });
    expect(reply.ext).toEqual({
      replay: { '/u/*': { recovered: false, oldest: expect.any(Number), newest: expect.any(Number) } },
    });
    await publish(place, '/u/a', 'new');
    await expect.poll(() => texts.length, patience).toBe(1201);
    expect(texts).toEqual([...Array.from({ length: 1200 }, (_, at) => String(at)), 'new']);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });
});
