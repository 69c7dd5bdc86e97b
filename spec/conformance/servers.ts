import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import * as http2 from 'node:http2';
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import express from 'express';
import { bayeux, Server } from '../../src/index.ts';
import type { Place } from './target.ts';

/** A running Bayeux server, its options left at their defaults. */
export interface Running extends Place {
  readonly name: string;
  close(): Promise<void>;
}

export async function startBayeuxd(): Promise<Running> {
  const server = new Server();
  const http = createServer(express().use('/bayeux', bayeux(server)));
  server.attachUpgrades(http, { path: '/bayeux' });
  await server.open();
  const url = await listening(http, 'http');
  return { name: 'bayeuxd', url, close: () => closing(server, http, () => http.closeAllConnections()) };
}

/** Ours over HTTP/2, which a client knows beforehand (`http`) or finds out by TLS (`https`). HTTP/1.1 is there for WebSockets. */
export async function startHttp2(scheme: 'http' | 'https'): Promise<Running> {
  // By default HTTP/2 has no limit of tabs, which is what some checks are about.
  const server = new Server({ http2MaxSessionsPerBrowser: 1 });
  const serve = bayeux(server, { path: '/bayeux' });
  const sockets = new Set<Socket>();
  const attach = <T extends HttpServer | http2.Http2SecureServer>(http: T): T => {
    server.attachUpgrades(http, { path: '/bayeux' });
    return http;
  };
  const http =
    scheme === 'http'
      ? eitherVersion(attach(createServer(serve)), http2.createServer(serve))
      : attach(http2.createSecureServer(certificate(), serve));
  http.on('connection', (socket) => void sockets.add(socket));
  await server.open();
  const url = await listening(http, scheme);
  const close = () =>
    closing(server, http, () => {
      for (const socket of sockets) socket.destroy();
    });
  return { name: `bayeuxd over HTTP/2, ${scheme}`, url, http2: true, close };
}

/** Without TLS the first bytes tell who speaks HTTP/2. */
function eitherVersion(http: HttpServer, http2: http2.Http2Server): NetServer {
  return createNetServer((socket) => {
    socket.once('readable', () => {
      const first: Buffer = socket.read() ?? Buffer.alloc(0);
      socket.unshift(first);
      (first.toString('latin1', 0, 3) === 'PRI' ? http2 : http).emit('connection', socket);
    });
    socket.on('error', () => socket.destroy());
  });
}

function certificate(): http2.SecureServerOptions {
  const [cert, key] = ['cert', 'key'].map((name) =>
    readFileSync(new URL(`../cli/tls/${name}.pem`, import.meta.url)),
  );
  return { cert, key, allowHTTP1: true };
}

async function listening(http: NetServer, scheme: string): Promise<string> {
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return urlOf(port, scheme);
}

async function closing(server: Server, http: NetServer, cut: () => void): Promise<void> {
  await server.close();
  cut();
  await new Promise((resolve) => http.close(resolve));
}

export const startFaye = (): Promise<Running> => startOther('Faye 1.4.3', 'faye');
export const startCometd = (): Promise<Running> => startOther('cometd-nodejs-server 1.2.1', 'cometd');

/** Apart, since some of what is asked of it raises errors there that nothing catches. */
async function startOther(name: string, which: string): Promise<Running> {
  const child = fork(new URL('other-server.js', import.meta.url), [which], { silent: true, execArgv: [] });
  child.stdout?.resume();
  child.stderr?.resume();
  const [port] = await once(child, 'message');
  const close = async () => {
    child.kill();
    await once(child, 'exit');
  };
  return { name, url: urlOf(port), close };
}

const urlOf = (port: unknown, scheme = 'http') => `${scheme}://127.0.0.1:${port}/bayeux`;
