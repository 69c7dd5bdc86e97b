import {
  createServer,
  type RequestListener,
  type RequestOptions,
  request,
  type Server as HttpServer,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import compression from 'compression';
import express, { type RequestHandler } from 'express';
import express4 from 'express-4';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, type LogEvent, Server, type ServerSettings, UsageError } from '../../src/index.ts';
import { open } from '../conformance/client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { listen } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client, reach } from '../transports/sessions.ts';
import { send } from './send.ts';

/** A Bayeux server whose time stands still, closed with the test. */
function serverFor(settings: ServerSettings = {}): Server {
  const server = new Server({ clock: new FakeClock(), ...settings });
  onTestFinished(() => server.close());
  return server;
}

/** Where an HTTP server listens while the test runs. */
async function serve(http: HttpServer | RequestListener): Promise<string> {
  const server = typeof http === 'function' ? createServer(http) : http;
  await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The status of the answer to a request whose target is written as it is given. */
function statusOf(url: string, options: RequestOptions, body = ''): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, options);
    asked.once('response', (response) => resolve(response.resume().statusCode));
    asked.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

const json = { 'Content-Type': 'application/json' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const text = { 'Content-Type': 'text/plain;charset=UTF-8' };
const one = { id: '1', channel: '/meta/disconnect', clientId: 'é+ü' };
const two = { id: '2', channel: '/meta/disconnect' };
const message = (value: unknown) => `message=${encodeURIComponent(JSON.stringify(value))}`;

const posts = [
  ['an array', json, JSON.stringify([one, two])],
  ['a form', form, `${message(one)}&${message([two])}`],
  ['a form as text', text, `${message([one, two])}`],
  ['an array as text', text, JSON.stringify([one, two])],
] as const;

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('%s', (_name, framework) => {
  const all = () => true;
  const parsers: [what: string, parsers: RequestHandler[]][] = [
    ['no parser', []],
    ['json()', [framework.json()]],
    ['json() of everything', [framework.json({ type: all })]],
    ['urlencoded()', [framework.urlencoded({ extended: false })]],
    ['urlencoded({ extended })', [framework.urlencoded({ extended: true })]],
    ['text()', [framework.text()]],
    ['text() of everything', [framework.text({ type: all })]],
    ['raw() of everything', [framework.raw({ type: all })]],
    [
      'all of them',
      [framework.json(), framework.urlencoded({ extended: true }), framework.text(), framework.raw()],
    ],
  ];

  describe.each(parsers)('behind %s', (what, before) => {
    const readable = posts.filter(([, headers, body]) => {
      // Such a parser refuses what is no JSON before bayeuxd hears of it.
      return what !== 'json() of everything' || (headers !== form && body.startsWith('['));
    });

    it.each(readable)('reads %s', async (_what, headers, body) => {
      const app = framework();
      app.use(compression({ threshold: 0 }), ...before, bayeux(serverFor()));
      const response = await send(
        await serve(createServer(app)),
        'POST',
        '/',
        { ...headers, 'Accept-Encoding': 'gzip' },
        body,
      );
      expect(response.body).toMatchObject([
        { id: '1', error: '402::session_unknown' },
        { id: '2', error: '402::session_unknown' },
      ]);
      expect(response.headers).not.toHaveProperty('content-encoding');
      expect(response.headers['content-length']).toBe(String(Buffer.byteLength(response.text)));
    });

    it('refuses what is no batch', async () => {
      const app = framework();
      app.use(...before, bayeux(serverFor()));
      const url = await serve(createServer(app));
      for (const body of ['[]', '[1]', 'x']) {
        const response = await send(url, 'POST', '/', text, body);
        expect(response.status).toBe(400);
        expect(() => JSON.parse(response.text)).toThrow();
      }
      expect((await send(url, 'POST', '/', json)).status).toBe(400);
    });
  });

  it('reads more forms of one body than a parser keeps in an array', async () => {
    const app = framework();
    app.use(framework.urlencoded({ extended: true }), bayeux(serverFor()));
    const many = Array.from({ length: 50 }, (_, id) => ({ id, channel: '/meta/disconnect' }));
    const response = await send(
      await serve(createServer(app)),
      'POST',
      '/',
      form,
      many.map(message).join('&'),
    );
    expect(response.body.map(({ id }: { id: number }) => id)).toEqual([...Array(50).keys()]);
  });

  it('keeps its limits behind a parser that has none', async () => {
    const app = framework();
    app.use(framework.json({ limit: '50mb' }), bayeux(serverFor({ maxMessageSize: 100, maxDepth: 4 })));
    const url = await serve(createServer(app));
    expect((await send(url, 'POST', '/', json, JSON.stringify([{ x: 'x'.repeat(100) }]))).status).toBe(413);
    expect((await send(url, 'POST', '/', json, '[{"x":[[[[]]]]}]')).status).toBe(413);
  });

  it('holds polls, and streams, behind compression', async () => {
    const server = serverFor();
    const app = framework();
    app.use(compression({ threshold: 0 }));
    app.use('/bayeux', bayeux(server));
    const url = `${await serve(createServer(app))}/bayeux`;
    const gzip = { 'Accept-Encoding': 'gzip' };
    const alice = await client(url, { headers: gzip });
    await alice.subscribe('/news');
    const held = await alice.hold();
    const bob = await open(reach(url, 'eventsource'), { headers: gzip });
    await bob.subscribe('/news');
    await server.publish('/news', 1);
    expect(await held.messages).toMatchObject([{ data: 1 }, { successful: true }]);
    expect(await bob.take(1)).toEqual([{ channel: '/news', data: 1 }]);
  });

  it('leaves the methods of the framework to what runs when the answer is out', async () => {
    const seen: unknown[] = [];
    const app = framework();
    app.use(compression(), (req, res, next) => {
      res.once('finish', () => {
        seen.push(req.get('x-trace'), req.ip, req.protocol, res.get('X-Content-Type-Options'));
      });
      next();
    });
    app.use('/bayeux', bayeux(serverFor()));
    const url = `${await serve(app)}/bayeux`;
    await fetch(url, { method: 'POST', headers: { ...json, 'X-Trace': '7' }, body: JSON.stringify([two]) });
    await until(() => seen.length > 0);
    expect(seen).toEqual(['7', '127.0.0.1', 'http', 'nosniff']);
  });

  it('serves its mount alone, WebSockets included', async () => {
    const server = serverFor();
    const app = framework();
    app.use('/chat/bayeux', bayeux(server));
    app.use((_req, res) => void res.status(418).end());
    const http = createServer(app);
    server.attachUpgrades(http, { path: '/chat/bayeux' });
    const url = await serve(http);
    const handshake = JSON.stringify({
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['websocket'],
    });
    const [reply] = (await send(url, 'POST', '/chat/bayeux/handshake', json, handshake)).body;
    expect(reply.supportedConnectionTypes[0]).toBe('websocket');
    expect((await send(url, 'POST', '/chat/bayeuxx', json, handshake)).status).toBe(418);
    const alice = await client(`${url}/chat/bayeux`, { transport: 'websocket' });
    expect((await alice.connect({ advice: { timeout: 0 } })).successful).toBe(true);
  });

  it('does not serve a mount where WebSockets were promised elsewhere', async () => {
    const server = serverFor();
    const app = framework();
    app.use('/bayeux', bayeux(server));
    app.use(
      ((error, _req, res, _next) =>
        void res.status(500).end(String(error))) satisfies express.ErrorRequestHandler,
    );
    const http = createServer(app);
    server.attachUpgrades(http, { path: '/bayeaux' });
    const response = await send(await serve(http), 'POST', '/bayeux', json, '[]');
    expect(response.text).toContain('mounted on "/bayeux", but WebSockets are accepted on "/bayeaux"');
  });
});

describe('a bare http server', () => {
  const batch = JSON.stringify(two);

  it('is all for bayeuxd, where no path is given', async () => {
    const url = await serve(bayeux(serverFor()));
    for (const path of ['/', '/anything', '/a/b']) {
      expect((await send(url, 'POST', path, json, batch)).body).toMatchObject([{ id: '2' }]);
    }
  });

  it('goes on beside the path that is given', async () => {
    const handle = bayeux(serverFor(), { path: '/bayeux' });
    const url = await serve((req, res) => handle(req, res, () => res.writeHead(418).end()));
    const alone = await serve(handle);
    for (const path of ['/bayeux', '/bayeux/', '/bayeux/connect', '/bayeux?x']) {
      expect((await send(url, 'POST', path, json, batch)).status).toBe(200);
      expect((await send(alone, 'POST', path, json, batch)).status).toBe(200);
    }
    for (const path of ['/', '/bayeuxx', '/x/bayeux', '/BAYEUX']) {
      expect((await send(url, 'POST', path, json, batch)).status).toBe(418);
      expect((await send(alone, 'POST', path, json, batch)).status).toBe(404);
    }
  });

  it('reads a request that names the whole address (RFC 9112, 3.2.2)', async () => {
    const server = serverFor();
    const http = createServer(bayeux(server, { path: '/bayeux' }));
    const url = await serve(http);
    server.attachUpgrades(http, { path: '/bayeux' });
    const status = (path: string) => statusOf(url, { method: 'POST', path, headers: json }, batch);
    for (const path of ['http://a.example/bayeux', 'HTTPS://a.example:81/bayeux/x?y=//z'])
      expect(await status(path)).toBe(200);
    for (const path of [
      'http://a.example',
      'http://bayeux',
      'http://a.example/bayeuxx',
      '//a.example/bayeux',
    ])
      expect(await status(path)).toBe(404);
    const upgrade = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    expect(await statusOf(url, { path: 'http://a.example/bayeux', headers: upgrade })).toBe(101);
    expect(await statusOf(url, { path: 'http://a.example/other', headers: upgrade })).toBe(404);
  });

  it('offers WebSockets once they are attached, and says so when one comes before', async () => {
    const events: LogEvent[] = [];
    const server = serverFor({ log: (event) => void events.push(event) });
    const http = createServer(bayeux(server, { path: '/bayeux' }));
    const url = `${await serve(http)}/bayeux`;
    const handshake = JSON.stringify({
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['websocket', 'long-polling'],
    });
    const offered = async () =>
      (await send(url, 'POST', '', json, handshake)).body[0].supportedConnectionTypes;
    expect(await offered()).not.toContain('websocket');
    expect((await reach(url).upgrade()).status).toBe(400);
    expect(events).toContainEqual(
      expect.objectContaining({ level: 'warn', event: 'upgrade.not_attached', mount: '' }),
    );

    server.attachUpgrades(http, { path: '/bayeux' });
    expect((await offered())[0]).toBe('websocket');
    expect((await reach(url).upgrade()).status).toBe(101);
  });

  it('answers an upgrade to something else as the request it is', async () => {
    const url = await serve(bayeux(serverFor()));
    const headers = { ...json, Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c' };
    expect((await reach(url).fetch({ method: 'POST', path: '/', headers, body: batch })).status).toBe(200);
  });

  it('must have its WebSockets on the path of its requests', () => {
    const server = serverFor();
    const http = createServer(bayeux(server, { path: '/bayeux' }));
    expect(() => server.attachUpgrades(http, { path: '/cometd' })).toThrow(UsageError);
    const other = serverFor();
    other.attachUpgrades(http, { path: '/cometd' });
    expect(() => bayeux(other, { path: '/bayeux' })).toThrow(UsageError);
  });
});

describe('Fastify', () => {
  const handshake = {
    channel: '/meta/handshake',
    version: '1.0',
    supportedConnectionTypes: ['long-polling'],
  };

  it('leaves the mount to bayeuxd through its server factory', async () => {
    const server = serverFor();
    const handle = bayeux(server, { path: '/bayeux' });
    const app = Fastify({
      serverFactory: (next) => createServer((req, res) => handle(req, res, () => next(req, res))),
    });
    app.post('/echo', async (request) => request.body);
    server.attachUpgrades(app.server, { path: '/bayeux' });
    await app.ready();
    const url = await serve(app.server);
    expect((await send(url, 'POST', '/echo', json, '{"a":1}')).body).toEqual({ a: 1 });
    const alice = await client(`${url}/bayeux`);
    await alice.subscribe('/news');
    const held = await alice.hold();
    await server.publish('/news', 1);
    expect(await held.messages).toMatchObject([{ data: 1 }, { successful: true }]);
    await client(`${url}/bayeux`, { transport: 'websocket' });
  });

  it('leaves the mount to bayeuxd through a hook', async () => {
    const handle = bayeux(serverFor(), { path: '/bayeux' });
    const app = Fastify();
    app.addHook('onRequest', async (request, reply) => {
      if (!request.url.startsWith('/bayeux')) return;
      reply.hijack();
      handle(request.raw, reply.raw);
    });
    app.post('/echo', async (request) => request.body);
    await app.ready();
    const url = await serve(app.server);
    expect((await send(url, 'POST', '/bayeux', json, JSON.stringify(handshake))).body).toMatchObject([
      { successful: true },
    ]);
    expect((await send(url, 'POST', '/echo', json, '{"a":1}')).body).toEqual({ a: 1 });
  });

  it('that has read the body first is told of it', async () => {
    const handle = bayeux(serverFor());
    const app = Fastify();
    app.post('/bayeux', (request, reply) => {
      reply.hijack();
      handle(request.raw, reply.raw);
    });
    await app.ready();
    const response = await send(await serve(app.server), 'POST', '/bayeux', json, JSON.stringify(handshake));
    expect([response.status, response.text]).toEqual([400, expect.stringContaining('has read the body')]);
  });
});

describe('two servers on one http server', () => {
  it('share nothing', async () => {
    const [left, right] = [serverFor(), serverFor()];
    const http = createServer(express().use('/left', bayeux(left)).use('/right', bayeux(right)));
    left.attachUpgrades(http, { path: '/left' });
    right.attachUpgrades(http, { path: '/right' });
    const url = await serve(http);
    const alice = await client(`${url}/left`);
    const bob = await client(`${url}/right`, { transport: 'websocket' });
    await alice.subscribe('/news');
    await bob.subscribe('/news');
    await left.publish('/news', 'left');
    await right.publish('/news', 'right');
    expect(await alice.take(1)).toEqual([{ channel: '/news', data: 'left' }]);
    expect(await bob.take(1)).toEqual([{ channel: '/news', data: 'right' }]);
    expect([left.sessions.size, right.sessions.size]).toEqual([1, 1]);
    await left.close();
    await until(() => left.sessions.size === 0);
    expect((await bob.connect({ advice: { timeout: 0 } })).successful).toBe(true);
  });
});
