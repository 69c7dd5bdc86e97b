import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, type Server, UsageError } from '../../src/index.ts';
import { noteMount } from '../../src/http/mounts.ts';
import { listening, serverOf, start } from '../support/start.ts';
import { turn, until } from '../support/until.ts';
import { handshake, masked, opcodes, WebSocketClient } from '../transports/websocket-client.ts';

const statusOf = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
  (await WebSocketClient.open(url, headers)).status;

describe('attaching WebSockets', () => {
  it.each(['', 'bayeux', 'http://x/bayeux', '/bayeux?x', '/bay eux'])('refuses the path «%s»', (path) => {
    expect(() => serverOf().attachUpgrades(createServer(), { path })).toThrow(UsageError);
  });

  it('refuses a path that is taken, whoever took it', () => {
    const http = createServer();
    serverOf().attachUpgrades(http, { path: '/bayeux' });
    expect(() => serverOf().attachUpgrades(http, { path: '/bayeux/' })).toThrow(/already/);
    expect(http.listenerCount('upgrade')).toBe(1);
  });

  it('refuses another path than requests come by, whichever was known first', () => {
    const mountedFirst = serverOf();
    noteMount(mountedFirst, '/bayeux');
    expect(() => mountedFirst.attachUpgrades(createServer(), { path: '/faye' })).toThrow(
      /"\/bayeux".*"\/faye"/,
    );
    mountedFirst.attachUpgrades(createServer(), { path: '/bayeux' });

    const attachedFirst = serverOf();
    attachedFirst.attachUpgrades(createServer(), { path: '/faye' });
    expect(() => noteMount(attachedFirst, '/bayeux')).toThrow(UsageError);
    noteMount(attachedFirst, '/Faye/');
    attachedFirst.attachUpgrades(createServer(), { path: '/faye/' });
    expect(() => attachedFirst.attachUpgrades(createServer(), { path: '/other' })).toThrow(UsageError);
  });

  it('has the server offer `websocket` from then on, if it is enabled', async () => {
    const types = async (server: Server) => {
      const http = createServer(bayeux(server));
      const url = await listening(http);
      const response = await fetch(url, { method: 'POST', body: JSON.stringify([handshake()]) });
      return (await response.text()).includes('"websocket"');
    };
    const server = serverOf();
    expect(await types(server)).toBe(false);
    server.attachUpgrades(createServer(), { path: '/' });
    expect(await types(server)).toBe(true);
    const polled = serverOf({ transports: ['long-polling'] });
    polled.attachUpgrades(createServer(), { path: '/' });
    expect(await types(polled)).toBe(false);
  });
});

describe('an upgrade', () => {
  it('is taken on the mount and below it, at any depth (WS-1)', async () => {
    const { url } = await start();
    for (const path of ['', '/', '?x=1', '/connect', '/59.0', '/a/b/c', '/a//b?c=/d']) {
      const client = await WebSocketClient.open(url + path);
      expect([path, client.status]).toEqual([path, 101]);
      expect(await client.handshake()).toMatchObject({ successful: true });
    }
  });

  it('is taken everywhere where the mount is the root', async () => {
    const http = createServer();
    serverOf().attachUpgrades(http, { path: '/' });
    const url = await listening(http);
    for (const path of ['/', '/x', '/x/y']) expect(await statusOf(url + path)).toBe(101);
  });

  it('elsewhere is refused with 404 when nobody else listens', async () => {
    const { url } = await start();
    for (const path of ['/bayeuxx', '/bayeu', '/', '/x/bayeux', '/bayeux%2f', '/?/bayeux']) {
      expect([path, await statusOf(url.replace('/bayeux', path))]).toEqual([path, 404]);
    }
  });

  it('elsewhere is left to others who listen', async () => {
    const { http, url } = await start();
    http.on('upgrade', ({ url: path }: IncomingMessage, socket: Duplex) => {
      if (path === '/theirs') socket.end('HTTP/1.1 418 Theirs\r\n\r\n');
    });
    expect(await statusOf(url.replace('bayeux', 'theirs'))).toBe(418);
    expect(await statusOf(url)).toBe(101);
  });

  it('elsewhere is refused after five seconds when no other listener has begun with it (WS-1)', async () => {
    const { http, clock, url } = await start();
    const begun: Duplex[] = [];
    http.on('upgrade', ({ url: path }: IncomingMessage, socket: Duplex) => {
      if (path === '/slow') begun.push(socket);
    });
    const asking = () => clock.pending;
    const before = asking();
    const nobodys = WebSocketClient.open(url.replace('bayeux', 'nobodys'));
    const slow = WebSocketClient.open(url.replace('bayeux', 'slow'));
    await until(() => asking() === before + 2 && begun.length === 1);
    begun[0]?.write('HTTP/1.1 418 Slow\r\n');
    await clock.tick(5000);
    expect((await nobodys).status).toBe(404);
    begun[0]?.end('\r\n');
    expect((await slow).status).toBe(418);
  });

  it('elsewhere whose client goes away while it is left to others harms nobody', async () => {
    const { http, clock, url } = await start();
    http.on('upgrade', () => {});
    const before = clock.pending;
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await until(() => clock.pending === before + 1);
    socket.resetAndDestroy();
    await clock.tick(5000);
    expect(clock.pending).toBe(before);
    expect(await statusOf(url)).toBe(101);
  });

  it('goes to the one of two servers whose mount is nearest', async () => {
    const http = createServer();
    const [outer, inner] = [serverOf(), serverOf()];
    outer.attachUpgrades(http, { path: '/bayeux' });
    inner.attachUpgrades(http, { path: '/bayeux/inner' });
    expect(http.listenerCount('upgrade')).toBe(1);
    const url = await listening(http);
    const clients = ['/bayeux', '/bayeux/inner', '/bayeux/inner/x', '/bayeux/innerx'].map((path) =>
      WebSocketClient.shaken(url + path),
    );
    await Promise.all(clients);
    expect([outer.sessions.size, inner.sessions.size]).toEqual([2, 2]);
    await inner.close();
    expect(await statusOf(`${url}/bayeux/inner`)).toBe(503);
    expect(await statusOf(`${url}/bayeux`)).toBe(101);
  });

  it('of a page that may not use the server is refused with 403 (WS-2, CO-2)', async () => {
    const { url } = await start();
    const host = new URL(url).host;
    expect(await statusOf(url, { Origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(url, { Origin: 'null' })).toBe(403);
    expect(await statusOf(url, { Origin: `http://${host}` })).toBe(101);
    expect(await statusOf(url)).toBe(101);
    const open = await start({ origins: ['https://good.example'] });
    expect(await statusOf(open.url, { Origin: 'https://good.example' })).toBe(101);
    expect(await statusOf(open.url, { Origin: `http://${host}` })).toBe(403);
  });

  it('is refused with 400 where `websocket` is not enabled: cometd.js then polls (WS-2)', async () => {
    const http = createServer();
    serverOf({ transports: ['long-polling'] }).attachUpgrades(http, { path: '/bayeux' });
    expect(await statusOf(`${await listening(http)}/bayeux`)).toBe(400);
  });

  it.each([
    [400, { 'Sec-WebSocket-Key': '' }],
    [426, { 'Sec-WebSocket-Version': '8' }],
    [426, { 'Sec-WebSocket-Version': '' }],
  ])('that is none of ours is refused with %i', async (status, headers) => {
    const { url } = await start();
    const client = await WebSocketClient.open(url, headers);
    expect(client.status).toBe(status);
    await until(() => client.ended);
  });

  it('selects the first subprotocol offered, or none (WS-3)', async () => {
    const { url } = await start();
    const offered = await WebSocketClient.open(url, { 'Sec-WebSocket-Protocol': 'bayeux, other' });
    expect(offered.response).toMatch(/^sec-websocket-protocol: bayeux\r$/im);
    const silent = await WebSocketClient.open(url);
    expect(silent.response).not.toMatch(/sec-websocket-protocol/i);
  });

  it('must offer the subprotocol that is configured (WS-3)', async () => {
    const { url } = await start({ websocket: { protocol: 'bayeux' } });
    const client = await WebSocketClient.open(url, { 'Sec-WebSocket-Protocol': 'other,bayeux' });
    expect(client.response).toMatch(/^sec-websocket-protocol: bayeux\r$/im);
    expect(await statusOf(url)).toBe(400);
    expect(await statusOf(url, { 'Sec-WebSocket-Protocol': 'other' })).toBe(400);
  });

  it('to another protocol is passed over, and the request served, body and successors included', async () => {
    const { url } = await start();
    const { hostname, port, pathname, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    const body = JSON.stringify([handshake()]);
    const request = (upgrade: string) =>
      `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\n${upgrade}Content-Length: ${body.length}\r\n\r\n`;
    socket.write(
      request('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n'),
    );
    socket.write(body.slice(0, 10));
    await turn();
    socket.write(body.slice(10) + request('') + body);
    await until(() => text.split('"successful":true').length === 3);
    expect(text.match(/HTTP\/1.1 200 OK\r/g)).toHaveLength(2);
  });

  it('whose first frames come along with it is served', async () => {
    const { url } = await start();
    const { hostname, port, pathname, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    const head = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    const ping = masked('early', { opcode: opcodes.PING });
    socket.write(Buffer.concat([Buffer.from(head), ping, masked(JSON.stringify([handshake()]))]));
    await until(() => text.includes('"successful":true'));
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text).toContain('early');
  });
});
