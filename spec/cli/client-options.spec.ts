import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { subscribe, type SubscribeFlags } from '../../src/cli/subscribe.ts';
import { api, bayeux, Server, type ServerSettings } from '../../src/index.ts';
import type { ReadableRequest } from '../../src/protocol/message.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { until } from '../support/until.ts';
import { publishing } from './publishing.ts';

const tls = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));
const pair = { cert: readFileSync(tls('cert')), key: readFileSync(tls('key')) };
const key = 'correct-horse-battery';

async function serve(settings: ServerSettings = {}, isSecure = false) {
  const server = new Server({ log: () => {}, ...settings });
  const app = express().use('/bayeux', bayeux(server)).use('/api', api(server, { key }));
  const http = isSecure ? createSecureServer(pair, app) : createServer(app);
  server.attachUpgrades(http, { path: '/bayeux' });
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  const urlOf = (scheme: string, path = '/bayeux') => `${scheme}://127.0.0.1:${port}${path}`;
  return { server, urlOf, url: urlOf(isSecure ? 'https' : 'http') };
}

function listenTo(url: string, pattern: string, flags: SubscribeFlags = {}) {
  const interrupt = new AbortController();
  const clock = new FakeClock();
  const events: { channel: string; data: unknown; ext?: { replayId?: number } }[] = [];
  const said: string[] = [];
  const print = (line: string) => void events.push(JSON.parse(line));
  const done = subscribe(
    url,
    pattern,
    { signal: interrupt.signal, clock, print, say: (line) => void said.push(line) },
    flags,
  );
  done.catch(() => undefined); // Awaited by the test.
  onTestFinished(() => interrupt.abort());
  return { done, clock, events, said, data: () => events.map(({ data }) => data) };
}

/** Data whose events stay as they are: their replay ids are in `ext` alone. */
const replay = { inject: 'ext' } as const;
const channels = { '/kept/**': { history: true } };

describe('bayeuxd publish', () => {
  it('says what happened', async () => {
    const { url } = await serve();
    const { printed } = await publishing(url, { channel: '/a', json: '1' });
    expect(printed).toEqual(['published to /a']);
  });

  it.each(['http', 'ws'])('publishes the lines of its input in order: %s', async (scheme) => {
    const { server, urlOf } = await serve();
    const heard: unknown[] = [];
    server.subscribe('/a', ({ data }) => void heard.push(data));
    const numbers = Array.from({ length: 1_234 }, (_, at) => at);
    const { printed, said } = await publishing(
      urlOf(scheme),
      { channel: '/a', json: '-' },
      {},
      numbers.join('\n'),
    );
    expect({ printed, said }).toEqual({ printed: ['published 1234 events'], said: [] });
    expect(heard).toEqual(numbers);
  });

  it('publishes lines that are events, and names those that are refused', async () => {
    const { server, url } = await serve({ policy: { canPublish: ({ channel }) => channel !== '/vip' } });
    const heard: unknown[] = [];
    server.subscribe('/**', ({ channel, data }) => void heard.push([channel, data]));
    const input =
      '{"channel":"/a/b","data":1}\n\n{"channel":"/vip","data":2}\nhello\n[]\n{"channel":"/c","data":[3]}\n';
    const { printed, said } = await publishing(url, { channel: '-', json: undefined }, {}, input);
    expect(heard).toEqual([
      ['/a/b', 1],
      ['/c', [3]],
    ]);
    expect(printed).toEqual([]);
    expect(said).toEqual([
      `line 4: hello is not JSON; a string is written '"hello"'`,
      'line 5: [] is no event like {"channel":"/chat/news","data":1}',
      'line 3: the server refused: 403:/vip:publish_denied',
      '3 of 5 events were refused, the others published',
    ]);
  });

  it('goes on when its session is gone', async () => {
    const { server, url } = await serve();
    const heard: unknown[] = [];
    server.subscribe('/a', ({ data }) => {
      heard.push(data);
      if (data === 50) for (const session of server.sessions) session.close('timeout');
    });
    const input = Array.from({ length: 250 }, (_, at) => at).join('\n');
    const { printed } = await publishing(url, { channel: '/a', json: '-' }, {}, input);
    expect(printed).toEqual(['published 250 events']);
    expect(heard.length).toBe(250);
  });

  it('publishes by the HTTP API with a key', async () => {
    const { server, urlOf } = await serve();
    const heard: unknown[] = [];
    const robot = await server.localSession();
    await robot.subscribe('/a', ({ data }) => void heard.push(data));
    const url = urlOf('http', '/api/publish');
    expect((await publishing(url, { channel: '/a', json: '-' }, { key }, '1\n2\n')).printed).toEqual([
      'published 2 events',
    ]);
    await until(() => heard.length === 2);
    expect(heard).toEqual([1, 2]);
    const wrong = publishing(url, { channel: '/a', json: '1' }, { key: 'wrong-horse' });
    await expect(wrong).rejects.toThrow(/the server answered 401: the API key/);
  });

  it.each(['http', 'ws'])('sends headers and ext, as the policy asks for them: %s', async (scheme) => {
    const asked: unknown[] = [];
    const policy = {
      canPublish: ({ message, request }: { message: { ext?: object }; request: { headers: object } }) => {
        asked.push([message.ext, Reflect.get(request.headers, 'authorization')]);
        return true;
      },
    };
    const { urlOf } = await serve({ policy });
    const flags = { header: ['Authorization: Bearer x'], ext: '{"token":"t"}' };
    await publishing(urlOf(scheme), { channel: '/a', json: '1' }, flags);
    expect(asked).toEqual([[{ token: 't' }, 'Bearer x']]);
  });

  it.each([
    [
      { header: ['Authorization'] },
      `--header must be like 'Authorization: Bearer token', got "Authorization"`,
    ],
    [{ ext: '[1]' }, `--ext must be a JSON object like '{"token":"secret"}', got "[1]"`],
    [{ ca: '/none.pem' }, '--ca: /none.pem cannot be read: there is no such file; correct the path'],
  ])('refuses %o', async (flags, message) => {
    await expect(publishing('http://127.0.0.1:2/', { channel: '/a', json: '1' }, flags)).rejects.toThrow(
      message,
    );
  });
});

describe('bayeuxd subscribe', () => {
  it.each(['http', 'ws'])('--from -2 prints what is kept, then what is new: %s', async (scheme) => {
    const { server, urlOf } = await serve({ channels, replay });
    for (const data of [1, 2]) await server.publish('/kept/a', data);
    const { data, said, events } = listenTo(urlOf(scheme), '/kept/*', { from: '-2' });
    await until(() => said.length === 1 && data().length === 2);
    await server.publish('/kept/a', 3);
    await until(() => data().length === 3);
    expect(data()).toEqual([1, 2, 3]);
    const id = String(events[1]?.ext?.replayId);
    const later = listenTo(urlOf(scheme), '/kept/*', { from: id, count: '1' });
    await later.done;
    expect(later.data()).toEqual([3]);
  });

  it('with --from goes on after the last event when its session was lost', async () => {
    const { server, url } = await serve({ channels, replay, timeout: 0 });
    const { data, said } = listenTo(url, '/kept/a', { from: '-2' });
    await until(() => said.length === 1);
    await server.publish('/kept/a', 1);
    await until(() => data().length === 1);
    for (const session of server.sessions) session.close('timeout');
    for (const one of [2, 3]) await server.publish('/kept/a', one);
    await until(() => data().length === 3);
    expect(data()).toEqual([1, 2, 3]);
    expect(said[1]).toMatch(
      /^the server had forgotten this session; subscribed to \/kept\/a again, from \d+$/,
    );
  });

  it('says that an id is too old', async () => {
    const { url } = await serve({ channels });
    await expect(listenTo(url, '/kept/a', { from: '5' }).done).rejects.toThrow(
      /^not all events after 5 are still stored: --from -2 starts with the oldest stored event \(.*replay_id_invalid\)$/,
    );
  });

  it.each(['http', 'ws'])('--ack acknowledges what came: %s', async (scheme) => {
    const acks: unknown[] = [];
    const extension = {
      name: 'watch',
      incoming: (request: ReadableRequest) => {
        if (request.kind === 'connect') acks.push(Reflect.get(request.ext ?? {}, 'ack'));
        return request;
      },
    };
    const { server, urlOf } = await serve({ extensions: [extension] });
    const { data } = listenTo(urlOf(scheme), '/a', { ack: true });
    await until(() => acks.length >= 1);
    const before = Number(acks.at(-1));
    await server.publish('/a', 1);
    await until(() => data().length === 1 && acks.length >= 2);
    expect(acks.at(-1)).toBe(before + 1);
  });

  it('--count ends after so many, --time after so long', async () => {
    const { server, url } = await serve({ channels, replay });
    for (const data of [1, 2, 3]) await server.publish('/kept/a', data);
    const few = listenTo(url, '/kept/a', { from: '-2', count: '2' });
    await few.done;
    expect(few.data()).toEqual([1, 2]);
    const late = listenTo(url, '/kept/a', { from: '-2', time: '5' });
    await until(() => late.data().length === 3);
    await late.clock.tick(5_000);
    await late.done;
    const missing = listenTo(url, '/kept/a', { from: '-2', count: '4', time: '5' });
    await until(() => missing.data().length === 3);
    await missing.clock.tick(5_000);
    await expect(missing.done).rejects.toThrow('3 of 4 events came within 5 s');
    expect(server.sessions.size).toBe(0);
  });

  it.each([
    [{ from: 'x' }, '--from must be a whole number of at least -2, got "x"'],
    [{ count: '0' }, '--count must be a whole number of at least 1, got "0"'],
    [{ time: '1s' }, '--time must be a whole number of at least 1, got "1s"'],
  ])('refuses %o', async (flags, message) => {
    await expect(listenTo('http://127.0.0.1:2/', '/a', flags).done).rejects.toThrow(message);
  });
});

describe('a certificate', () => {
  it.each(['https', 'wss'])(
    'that is self-signed is refused in a sentence that names the fix: %s',
    async (scheme) => {
      const { urlOf } = await serve({}, true);
      const url = urlOf(scheme);
      const what = { channel: '/a', json: '1' };
      await expect(publishing(url, what)).rejects.toThrow(
        /^the certificate of 127\.0\.0\.1:\d+ is self-signed: name its file with --ca cert\.pem, or accept any certificate with --insecure$/,
      );
      expect((await publishing(url, what, { insecure: true })).printed).toEqual(['published to /a']);
      expect((await publishing(url, what, { ca: tls('cert') })).printed).toEqual(['published to /a']);
    },
  );
});
