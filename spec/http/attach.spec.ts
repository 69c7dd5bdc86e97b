import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { connect, createSecureServer } from 'node:http2';
import { request } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import express from 'express';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, UsageError } from '../../src/index.ts';
import { listening, serverOf } from '../support/start.ts';
import { client } from '../transports/sessions.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { send } from './send.ts';

const json = { 'Content-Type': 'application/json' };
const handshake = JSON.stringify({
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['websocket', 'long-polling'],
});

const statusOf = async (url: string, path: string): Promise<number> =>
  (await send(url, 'POST', path, json, handshake)).status;
const upgradeOf = async (url: string, path: string): Promise<number> =>
  (await WebSocketClient.open(url + path)).status;
const teapot: RequestListener = (_request, response) => void response.writeHead(418).end();

describe('attach', () => {
  it('serves requests and WebSockets on its path and below it, and 404 elsewhere', async () => {
    const http = createServer();
    const server = serverOf();
    server.attach(http, { path: '/bayeux' });
    const url = await listening(http);
    for (const path of ['/bayeux', '/bayeux/', '/bayeux?x=/y', '/bayeux/connect', '/bayeux/a/b']) {
      expect([path, await statusOf(url, path), await upgradeOf(url, path)]).toEqual([path, 200, 101]);
    }
    for (const path of ['/', '/bayeuxx', '/x/bayeux', '/BAYEUX', '/?/bayeux']) {
      expect([path, await statusOf(url, path), await upgradeOf(url, path)]).toEqual([path, 404, 404]);
    }
    const alice = await client(`${url}/bayeux`);
    await alice.subscribe('/news');
    const bob = await client(`${url}/bayeux`, { transport: 'websocket' });
    await bob.publish('/news', 1);
    expect(await alice.take(1)).toEqual([{ channel: '/news', data: 1 }]);
  });

  it('takes its requests before listeners, those of before and those added later, and leaves them all others', async () => {
    const seen: (string | undefined)[] = [];
    const http = createServer((request, response) => {
      seen.push(request.url);
      response.writeHead(418).end();
    });
    serverOf().attach(http, { path: '/bayeux' });
    const later = createServer();
    serverOf().attach(later, { path: '/bayeux' });
    later.on('request', teapot);
    for (const url of [await listening(http), await listening(later)]) {
      expect(await statusOf(url, '/bayeux')).toBe(200);
      expect(await statusOf(url, '/other')).toBe(418);
    }
    expect(seen).toEqual(['/other']);
  });

  it('lets no middleware of a framework see its requests, where a handler is behind it', async () => {
    const server = serverOf();
    const app = express();
    app.use((_request, response) => void response.status(401).end());
    const http = createServer(app);
    server.attach(http, { path: '/bayeux' });
    const handled = express();
    handled.use((_request, response) => void response.status(401).end());
    handled.use('/bayeux', serverOf().handler());
    const [first, second] = [await listening(http), await listening(createServer(handled))];
    expect([await statusOf(first, '/bayeux'), await statusOf(first, '/')]).toEqual([200, 401]);
    expect(await statusOf(second, '/bayeux')).toBe(401);
  });

  it('keeps other listeners of upgrades from refusing its WebSockets', async () => {
    const http = createServer();
    const refuseAll = (_request: unknown, socket: Duplex) =>
      void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    http.on('upgrade', refuseAll);
    serverOf().attach(http, { path: '/bayeux' });
    http.on('upgrade', refuseAll);
    const url = await listening(http);
    expect([await upgradeOf(url, '/bayeux'), await upgradeOf(url, '/other')]).toEqual([101, 400]);
  });

  it('judges WebSockets of a page by the origins of its own server', async () => {
    const http = createServer();
    serverOf({ origins: ['https://a.example'] }).attach(http, { path: '/a' });
    serverOf({ origins: ['https://b.example'] }).attach(http, { path: '/b' });
    const url = await listening(http);
    const status = async (path: string, Origin: string) =>
      (await WebSocketClient.open(url + path, { Origin })).status;
    expect(await status('/a', 'https://a.example')).toBe(101);
    expect(await status('/b', 'https://a.example')).toBe(403);
    expect(await status('/b', 'https://b.example')).toBe(101);
    expect((await send(url, 'POST', '/b', { ...json, Origin: 'https://a.example' }, handshake)).status).toBe(
      403,
    );
  });

  it('serves HTTP/2, and WebSockets by HTTP/1.1 beside it', async () => {
    const pem = (name: string) => readFileSync(new URL(`../cli/tls/${name}.pem`, import.meta.url));
    const http = createSecureServer({ key: pem('key'), cert: pem('cert'), allowHTTP1: true });
    const server = serverOf();
    server.attach(http, { path: '/bayeux' });
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    onTestFinished(() => {
      session.destroy();
      http.close();
    });
    const status = async (path: string) => {
      const stream = session.request({ ':method': 'POST', ':path': path, ...json });
      stream.end(handshake).resume();
      const [headers] = await once(stream, 'response');
      return headers[':status'];
    };
    expect([await status('/bayeux'), await status('/other')]).toEqual([200, 404]);
    const asked = request({
      port,
      host: '127.0.0.1',
      path: '/bayeux',
      rejectUnauthorized: false,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    }).end();
    const [response, socket] = await once(asked, 'upgrade');
    socket.destroy();
    expect(response.statusCode).toBe(101);
  });

  it('is undone by what it returns: the path is the listeners’ again', async () => {
    const http = createServer(teapot);
    const server = serverOf();
    const detach = server.attach(http, { path: '/bayeux' });
    const url = await listening(http);
    expect(await statusOf(url, '/bayeux')).toBe(200);
    detach();
    detach();
    expect(await statusOf(url, '/bayeux')).toBe(418);
    expect(http.listenerCount('upgrade')).toBe(0);
    expect(http.listeners('request')).toEqual([teapot]);
    server.attach(http, { path: '/other' });
    expect([await statusOf(url, '/bayeux'), await statusOf(url, '/other')]).toEqual([418, 200]);
  });

  it('gives the path of a closed server, which answers 503 until then, to the next', async () => {
    const http = createServer();
    const first = serverOf();
    const detach = first.attach(http, { path: '/bayeux' });
    const url = await listening(http);
    expect(() => serverOf().attach(http, { path: '/bayeux/' })).toThrow(/"\/bayeux\/" is taken/);
    await first.close();
    expect([await statusOf(url, '/bayeux'), await upgradeOf(url, '/bayeux')]).toEqual([503, 503]);
    serverOf().attach(http, { path: '/bayeux' });
    detach();
    expect([await statusOf(url, '/bayeux'), await upgradeOf(url, '/bayeux')]).toEqual([200, 101]);
  });

  it('has the nearest path decide, whose requests a handler may have', async () => {
    const http = createServer();
    const [outer, inner] = [serverOf(), serverOf()];
    outer.attach(http, { path: '/' });
    inner.attachUpgrades(http, { path: '/app/bayeux' });
    http.on('request', express().use('/app/bayeux', inner.handler()));
    const url = await listening(http);
    expect([await statusOf(url, '/app'), await statusOf(url, '/x')]).toEqual([200, 200]);
    expect([outer.sessions.size, inner.sessions.size]).toEqual([2, 0]);
    expect(await statusOf(url, '/app/bayeux')).toBe(200);
    expect([outer.sessions.size, inner.sessions.size]).toEqual([2, 1]);
  });

  it('serves one server on several paths and HTTP servers, but not beside a handler elsewhere', async () => {
    const server = serverOf();
    const [one, other] = [createServer(), createServer()];
    server.attach(one, { path: '/a' });
    server.attach(one, { path: '/b' });
    server.attach(other, { path: '/c' });
    const [url, second] = [await listening(one), await listening(other)];
    expect([await statusOf(url, '/a'), await statusOf(url, '/b'), await statusOf(second, '/c')]).toEqual([
      200, 200, 200,
    ]);
    expect(() => server.handler({ path: '/d' })).toThrow(/mounted on "\/d".*accepted on "\/a" and/);
    const handled = serverOf();
    handled.handler({ path: '/d' });
    expect(() => handled.attach(one, { path: '/e' })).toThrow(/use one path for both/);
  });
});

describe('mistakes', () => {
  const usage = (name: string) => `write server.${name}(httpServer, { path: '/bayeux' })`;
  const http = createServer();
  const path = { path: '/bayeux' };

  describe.each(['attach', 'attachUpgrades'] as const)('in the arguments of %s', (name) => {
    it.each<[what: string, given: unknown[], says: string]>([
      ['an Express app', [express(), path], 'httpServer = createServer(app)'],
      ['a Fastify app', [Fastify(), path], 'give app.server'],
      ['swapped arguments', [path, http], 'the http.Server comes first'],
      ['swapped arguments, the path a text', ['/bayeux', http], 'the http.Server comes first'],
      ['null', [null, path], 'an http.Server is needed, got null'],
      ['nothing', [], 'an http.Server is needed, got undefined'],
      ['a TCP server', [createTcpServer(), path], 'an http.Server'],
      ['no options', [http], 'options with a path are needed, got undefined'],
      ['null for options', [http, null], 'options with a path are needed, got null'],
      ['a path for options', [http, '/bayeux'], 'options with a path are needed, got "/bayeux"'],
      ['a server for options', [http, createServer()], 'options with a path are needed'],
      ['no path', [http, {}], 'the path must be a text, got undefined'],
      ['a number for path', [http, { path: 1 }], 'the path must be a text, got 1'],
    ])('is %s', (_what, given, says) => {
      const call = () => Reflect.apply(serverOf()[name], serverOf(), given);
      expect(call).toThrow(UsageError);
      expect(call).toThrow(says);
      expect(call).toThrow(usage(name));
    });

    it.each<[path: string, says: string]>([
      ['bayeux', 'write "/bayeux"'],
      ['', 'write "/"'],
      ['/bay eux', usage(name)],
      ['/bayeux?x', usage(name)],
    ])('is the path %j', (text, says) => {
      expect(() => serverOf()[name](http, { path: text })).toThrow(says);
    });

    it('is an unknown option', () => {
      const call = () => Reflect.apply(serverOf()[name], serverOf(), [http, { paht: '/bayeux' }]);
      expect(call).toThrow('did you mean "path"');
    });
  });

  it.each<[what: string, given: unknown[], says: string]>([
    ['an app', [express()], 'got an app or an http.Server'],
    ['an http.Server', [http], 'got an app or an http.Server'],
    ['null', [null], 'got null'],
    ['a path for a server', ['/bayeux'], 'got "/bayeux"'],
  ])('in the arguments of bayeux is %s', (_what, given, says) => {
    expect(() => Reflect.apply(bayeux, undefined, given)).toThrow(says);
    expect(() => Reflect.apply(bayeux, undefined, given)).toThrow('bayeux(new Server())');
  });

  it.each<[options: unknown, says: string]>([
    ['/bayeux', "bayeux(server, { path: '/bayeux' })"],
    [null, "bayeux(server, { path: '/bayeux' })"],
    [{ path: 'bayeux' }, 'write "/bayeux"'],
    [{ mount: '/bayeux' }, '"mount"'],
  ])('in the options of a handler is %j', (options, says) => {
    const call = () => Reflect.apply(bayeux, undefined, [serverOf(), options]);
    expect(call).toThrow(UsageError);
    expect(call).toThrow(says);
  });
});
