import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer as createSecureServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, type LogEvent, Server, type ServerSettings } from '../../src/index.ts';
import { listen, start } from '../support/start.ts';
import { send } from './send.ts';

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
const body = JSON.stringify([handshake]);
const query = `?message=${encodeURIComponent(body)}`;
const json = { 'Content-Type': 'application/json' };

async function post(settings: ServerSettings, headers: Record<string, string>): Promise<number> {
  const { server, url } = await start(settings);
  const { status } = await send(url, 'POST', '', { ...json, ...headers }, body);
  expect(server.sessions.size).toBe(status === 200 ? 1 : 0);
  return status;
}

async function script(settings: ServerSettings, headers: Record<string, string>): Promise<number> {
  const { server, url } = await start(settings);
  const { status } = await send(url, 'GET', query, headers);
  expect(server.sessions.size).toBe(status === 200 ? 1 : 0);
  return status;
}

const page = 'https://app.example:8443';
const host = { Host: 'app.example:8443' };

describe('the origins that may use the server', () => {
  const rows: readonly [
    what: string,
    settings: ServerSettings,
    headers: Record<string, string>,
    status: number,
  ][] = [
    ['no page', {}, {}, 200],
    ['the same', {}, { ...host, Origin: page }, 200],
    ['the same in capitals', {}, { Host: 'APP.example:8443', Origin: page }, 200],
    [
      'the same with the port of its scheme',
      {},
      { Host: 'app.example:443', Origin: 'https://app.example' },
      200,
    ],
    [
      'the same without the port of its scheme',
      {},
      { Host: 'app.example', Origin: 'http://app.example:80' },
      200,
    ],
    ['another port', {}, { ...host, Origin: 'https://app.example' }, 403],
    ['another name', {}, { ...host, Origin: 'https://evil.example:8443' }, 403],
    ['a name that begins alike', {}, { Host: 'app.example', Origin: 'http://app.example.evil' }, 403],
    ['null', {}, { ...host, Origin: 'null' }, 403],
    ['what is no origin', {}, { ...host, Origin: '://' }, 403],
    ['an empty one', {}, { ...host, Origin: '' }, 403],
    [
      'one that a client says was forwarded',
      {},
      { 'X-Forwarded-Host': 'app.example:8443', Origin: page },
      403,
    ],
    [
      'one that a proxy says was forwarded',
      { trustProxy: 1 },
      { 'X-Forwarded-Host': 'app.example:8443', Origin: page },
      200,
    ],
    [
      'one that a client put before the proxy',
      { trustProxy: 1 },
      { 'X-Forwarded-Host': 'evil.example, app.example', Origin: 'http://evil.example' },
      403,
    ],
    [
      'https where nobody knows how it was asked',
      {},
      { Host: 'app.example', Origin: 'https://app.example' },
      200,
    ],
    ...(
      [
        ['http', 'https', 403],
        ['https', 'http', 403],
        ['https', 'https', 200],
        ['http', 'http', 200],
      ] as const
    ).map(([origin, proto, status]): (typeof rows)[number] => [
      `${origin} where a proxy was asked by ${proto}`,
      { trustProxy: 1 },
      { Host: 'app.example', 'X-Forwarded-Proto': proto, Origin: `${origin}://app.example` },
      status,
    ]),
    [
      'the same behind TLS with its port',
      { trustProxy: ['loopback'] },
      { Host: 'app.example:443', 'X-Forwarded-Proto': 'https', Origin: 'https://app.example' },
      200,
    ],
    [
      'one that somebody says was forwarded who is not listed',
      { trustProxy: ['10.0.0.0/8'] },
      { 'X-Forwarded-Host': 'app.example:8443', Origin: page },
      403,
    ],
    ['of another scheme', {}, { Host: 'app.example', Origin: 'capacitor://app.example' }, 403],
    [
      'one listed with the port of its scheme',
      { origins: ['https://App.example:443'] },
      { Origin: 'https://app.example' },
      200,
    ],
    [
      'one listed with another scheme',
      { origins: ['https://app.example'] },
      { Origin: 'http://app.example' },
      403,
    ],
    ['one listed that is no web page', { origins: ['app://one'] }, { Origin: 'app://one' }, 200],
    ['any', { origins: '*' }, { Origin: 'http://evil.example' }, 200],
    ['any, null among them', { origins: '*' }, { Origin: 'null' }, 200],
    ['one listed', { origins: [page, 'null'] }, { Origin: page }, 200],
    ['null when listed', { origins: [page, 'null'] }, { Origin: 'null' }, 200],
    ['one not listed', { origins: [page] }, { Origin: 'https://app.example' }, 403],
    ['one that fits', { origins: /^https:\/\/app\./g }, { Origin: page }, 200],
    ['one that does not fit', { origins: /^https:\/\/app\./g }, { Origin: 'http://app.example' }, 403],
    ['one found good', { origins: (origin) => origin === page }, { Origin: page }, 200],
    ['one found bad', { origins: (origin) => origin === page }, { Origin: 'null' }, 403],
  ];

  it.each(rows)('%s', async (_what, settings, headers, status) => {
    expect(await post(settings, headers)).toBe(status);
  });

  it('a global expression means the same each time', async () => {
    const { url } = await start({ origins: /app/g });
    for (let time = 0; time < 3; time += 1) {
      expect((await send(url, 'POST', '', { ...json, Origin: page }, body)).status).toBe(200);
    }
  });

  it('a predicate that throws refuses, and is logged', async () => {
    const events: LogEvent[] = [];
    const error = new Error('no');
    const origins = (): boolean => {
      throw error;
    };
    expect(await post({ origins, log: (event) => events.push(event) }, { Origin: page })).toBe(403);
    expect(events).toContainEqual({ level: 'error', event: 'origins.failed', error });
  });
});

describe('the own origin of a server with TLS', () => {
  const pem = (name: string) => readFileSync(new URL(`../cli/tls/${name}.pem`, import.meta.url));

  /** The status of a request, or of an upgrade. */
  async function statusOf(headers: Record<string, string>, text?: string): Promise<number | undefined> {
    const server = new Server();
    const http = createSecureServer(
      { cert: pem('cert'), key: pem('key') },
      bayeux(server, { path: '/bayeux' }),
    );
    server.attachUpgrades(http, { path: '/bayeux' });
    await listen(http);
    onTestFinished(async () => {
      await server.close();
      http.closeAllConnections();
      http.close();
    });
    const { port } = http.address() as AddressInfo;
    const method = text === undefined ? 'GET' : 'POST';
    return new Promise((resolve, reject) => {
      const sent = httpsRequest({
        port,
        host: '127.0.0.1',
        path: '/bayeux',
        method,
        headers,
        rejectUnauthorized: false,
      });
      sent.on('response', ({ statusCode }) => resolve(statusCode)).on('error', reject);
      sent.on('upgrade', ({ statusCode }, socket) => {
        socket.destroy();
        resolve(statusCode);
      });
      sent.end(text);
    });
  }

  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  it.each([
    ['https', 200, 101],
    ['http', 403, 403],
  ])('has a scheme: %s', async (scheme, posted, upgraded) => {
    const own = { Host: 'app.example', Origin: `${scheme}://app.example` };
    expect(await statusOf({ ...json, ...own }, body)).toBe(posted);
    expect(await statusOf({ ...upgrade, ...own })).toBe(upgraded);
  });
});

describe('a request whose target is a whole address', () => {
  it.each([
    ['http://app.example', 200],
    ['http://evil.example', 403],
  ])('is judged by the host in it: %s', async (authority, status) => {
    const { url } = await start();
    const { port } = new URL(url);
    const headers = { ...json, Host: 'app.example', Origin: 'http://app.example' };
    const sent = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: `${authority}/bayeux`,
      headers,
    });
    const answered = new Promise((resolve, reject) => {
      sent.on('response', ({ statusCode }) => resolve(statusCode)).on('error', reject);
    });
    sent.end(body);
    expect(await answered).toBe(status);
  });
});

describe('the pages that may load scripts and streams', () => {
  const rows: readonly [
    what: string,
    settings: ServerSettings,
    headers: Record<string, string>,
    script: number,
    stream?: number,
  ][] = [
    ['the same by Referer', {}, { ...host, Referer: `${page}/a/b?c` }, 200],
    ['another by Referer', {}, { ...host, Referer: 'https://evil.example/' }, 403],
    ['a Referer that is none', {}, { ...host, Referer: 'about:blank' }, 403],
    [
      'another by Origin, whatever the Referer',
      {},
      { ...host, Origin: 'https://evil.example', Referer: page },
      403,
    ],
    ['cross-site', {}, { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['same-site', {}, { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['same-origin', {}, { 'Sec-Fetch-Site': 'same-origin' }, 200],
    ['none', {}, { 'Sec-Fetch-Site': 'none' }, 200],
    ['a word for the site that no browser has', {}, { 'Sec-Fetch-Site': 'same' }, 403],
    ['cross-site where a list does not tell', { origins: [page] }, { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['listed by Referer', { origins: [page] }, { Referer: `${page}/`, 'Sec-Fetch-Site': 'cross-site' }, 200],
    ['cross-site where any may', { origins: '*' }, { 'Sec-Fetch-Site': 'cross-site' }, 200],
    // A page on plain HTTP with `no-referrer` looks like this. It can read a script, and it cannot read a stream.
    ['a page that nothing is said of', {}, {}, 403, 200],
    ['a page that nothing is said of where some are listed', { origins: [page] }, {}, 403, 200],
    ['a page that nothing is said of where any may', { origins: '*' }, {}, 200],
  ];

  it.each(rows)('%s', async (_what, settings, headers, asked, streamed = asked) => {
    expect(await script(settings, headers)).toBe(asked);
    const { url } = await start(settings);
    const stream = await send(url, 'GET', '/nobody', { ...headers, Accept: 'text/event-stream' });
    expect(stream.status).toBe(streamed === 200 ? 404 : streamed);
  });

  it('a script without a page publishes nothing, and the log says what the page must send', async () => {
    const events: LogEvent[] = [];
    const log = (event: LogEvent) => events.push(event);
    const { server, url } = await start({ unconnectedPublish: 'allow', log });
    server.on('published', () => expect.unreachable());
    const message = encodeURIComponent('{"channel":"/news","data":1}');
    expect((await send(url, 'GET', `?message=${message}`)).status).toBe(403);
    expect(events).toEqual([
      {
        level: 'warn',
        event: 'origin.refused',
        option: 'origins',
        why: expect.stringContaining('Referrer-Policy: same-origin'),
        count: 1,
      },
    ]);
  });
});

describe('what a page may read', () => {
  it('is told by its exact origin, with credentials', async () => {
    const { url } = await start({ origins: '*' });
    const response = await send(url, 'POST', '', { ...json, Origin: page }, body);
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    });
    const failed = await send(url, 'POST', '', { ...json, Origin: page }, '[');
    expect([failed.status, failed.headers['access-control-allow-origin']]).toEqual([400, page]);
  });

  it('is nothing where it is refused, and not told to those who are no page', async () => {
    const { url } = await start();
    const refused = await send(url, 'POST', '', { ...json, Origin: page }, body);
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    const plain = await send(url, 'POST', '', json, body);
    expect(plain.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('a preflight', () => {
  const asked = {
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'content-type, X-Mine,bad name',
  };

  it('of an allowed origin is told what it may send', async () => {
    const { url } = await start({ origins: [page] });
    const response = await send(url, 'OPTIONS', '/handshake', { ...asked, Origin: page });
    expect([response.status, response.text]).toEqual([200, '']);
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST, GET',
      'access-control-allow-headers': 'Accept, Authorization, content-type, Pragma, X-Requested-With, X-Mine',
      'access-control-max-age': '86400',
    });
  });

  it('follows the options', async () => {
    const { url } = await start({ origins: '*', cors: { maxAge: 5, headers: ['X-Only'] } });
    const { headers } = await send(url, 'OPTIONS', '', { Origin: page });
    expect(headers).toMatchObject({
      'access-control-allow-headers': 'X-Only',
      'access-control-max-age': '5',
    });
  });

  it('of a refused origin is told nothing', async () => {
    const { url } = await start();
    const response = await send(url, 'OPTIONS', '', { ...asked, Origin: page });
    expect(response.status).toBe(403);
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});
