import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createSecureContext, Server as TlsServer } from 'node:tls';
import { systemClock } from '../lib/clock.ts';
import { type Obstacle, obstacleAt, removeStaleSocket } from '../lib/unix-socket.ts';
import { unreadable } from '../lib/unreadable.ts';
import { ConfigError } from './config-error.ts';
import { type Http2Listener, http2Server } from './http2-server.ts';
import type { ProgramOptions } from './options.ts';
import type { Timers } from './timers.ts';

// HT-7: the connection pools of proxies keep idle connections longer than Node's default of 5 s.
const standard: Timers = {
  keepAliveTimeout: 75_000,
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
};

export type Listener = Server | Http2Listener;

/** Makes the HTTP server, with TLS if there is a certificate. */
export function httpServer(program: ProgramOptions, timers: Timers = standard): Listener {
  const { tlsCert, tlsKey, http2 } = program;
  if (tlsCert === undefined || tlsKey === undefined) return createServer(timers);
  return secureServer(tlsCert, tlsKey, http2, timers);
}

function secureServer(tlsCert: string, tlsKey: string, http2: boolean, timers: Timers): Listener {
  const pair = readPair(tlsCert, tlsKey);
  if (http2) return http2Server(pair, timers);
  return createSecureServer({ ...pair, ...timers, handshakeTimeout: timers.headersTimeout });
}

/** Reads the certificate and its key again, for new connections. Throws `ConfigError` and keeps the old ones. */
export function renewCertificate(server: Listener, { tlsCert, tlsKey }: ProgramOptions): void {
  if (tlsCert === undefined || tlsKey === undefined || !(server instanceof TlsServer)) return;
  server.setSecureContext(readPair(tlsCert, tlsKey));
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

function readPair(tlsCert: string, tlsKey: string): Pair {
  const pair = { cert: read('tlsCert', tlsCert), key: read('tlsKey', tlsKey) };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw unusable('tlsCert', tlsCert, `is no PEM certificate that fits the key ${tlsKey}`, cause);
  }
  return pair;
}

function read(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw unusable(key, file, `cannot be read: ${unreadable(codeOf(cause))}`, cause);
  }
}

/** Starts to listen. Resolves to the URL. Throws `ConfigError` when the address is in use or not allowed. */
export async function listen(server: Listener, program: ProgramOptions): Promise<string> {
  const { socket } = program;
  if (socket === undefined) return listenOn(server, program, '', program.tlsCert !== undefined);
  try {
    await onSocket(server, socket);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw unusable('socket', socket, problemOf(cause, true), cause);
  }
  return baseUrl(server, program.tlsCert !== undefined);
}

/** As `listen`, on the address of a group of options, whose names begin with `prefix`. */
export async function listenOn(
  server: Listener,
  { host, port }: { readonly host: string; readonly port: number },
  prefix = '',
  secure = false,
): Promise<string> {
  try {
    await bound(server, () => server.listen(port, host));
  } catch (cause) {
    const [key, value] = optionAtFault(cause, host, port);
    throw unusable(prefix + key, value, problemOf(cause, false), cause);
  }
  return baseUrl(server, secure);
}

function bound(server: Listener, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}

async function onSocket(server: Listener, file: string): Promise<void> {
  const obstacle = await removeStaleSocket(file);
  if (obstacle === 'alive') throw unusable('socket', file, 'is in use by another program');
  if (obstacle !== undefined) throw occupied('socket', file, obstacle);
  await bound(server, () => server.listen(file));
}

/** Throws `ConfigError` when no socket can be made here. Accepts an existing one: it may be that of the running server. */
export function checkSocket(file: string, key = 'socket'): void {
  const obstacle = obstacleAt(file);
  if (obstacle === 'EACCES') throw unusable(key, file, noAccess);
  if (obstacle !== undefined) throw occupied(key, file, obstacle);
}

const noAccess = 'cannot be made: its folder is missing, or this user may not write to it';

function occupied(key: string, file: string, obstacle: Obstacle): ConfigError {
  return unusable(key, file, `is there already and is ${obstacle}: remove it, or name another file`);
}

function baseUrl(server: Listener, secure: boolean): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return `unix:${address}`;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${secure ? 'https' : 'http'}://${name}:${address.port}`;
}

function optionAtFault(error: unknown, host: string, port: number): [key: string, value: string] {
  return ['EADDRINUSE', 'EACCES'].includes(codeOf(error)) ? ['port', `${port} on ${host}`] : ['host', host];
}

function problemOf(error: unknown, isFile: boolean): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return 'is in use by another program: end that, or name another with --port';
    case 'EACCES':
      return isFile
        ? noAccess
        : 'may not be used by this user: choose a port of 1024 or above, and let a proxy listen on this one';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'is no address of this machine: write one that is, or 0.0.0.0 for all';
    default:
      return `cannot be listened on (${codeOf(error)})`;
  }
}

/** Stops listening. Closes idle connections; the others may finish. Resolves when the last one has closed. */
export function closed(server: Listener): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    const sweep = () => {
      server.closeIdleConnections();
      systemClock.after(20, sweep);
    };
    sweep();
  });
}

/** Stops listening, without waiting for connections that are in use. */
export function abandon(server: Listener): void {
  server.close();
  server.closeIdleConnections();
}

function unusable(key: string, value: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError([{ key, place: key, message: `${value} ${why}` }], { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
