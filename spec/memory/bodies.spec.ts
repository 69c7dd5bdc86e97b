import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { masked } from '../transports/websocket-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MiB = 1_048_576;
const HEAP = 256;
/** `maxMessageSize` by default. */
const SIZE = 262_144;
const PARTS = 16;
const CONNECTIONS = 400;
const GROUP = 20;
/** What Node keeps of a connection and its request, or of a WebSocket. Bytes. */
const EACH = 24_576;

/** A connection of the flood, which has an address of its own. */
function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  return socket.on('error', () => {}).resume();
}

function head(type: string, more: string): string {
  return `POST /bayeux HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.7\r\nContent-Type: ${type}\r\n${more}\r\n\r\n`;
}

/** Writes in parts to some connections after others, and leaves it at that: a last byte is always missing. */
async function trickle(port: number, parts: readonly Buffer[]): Promise<void> {
  for (let group = 0; group < CONNECTIONS / GROUP; group += 1) {
    const sockets = Array.from({ length: GROUP }, () => open(port));
    for (const part of parts) await Promise.all(sockets.map((socket) => write(socket, part)));
  }
}

async function write(socket: Socket, part: Buffer): Promise<void> {
  if (socket.destroyed || socket.write(part)) return;
  await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
}

/** A request again and again over some connections, each as soon as the last was answered. */
async function repeat(port: number, connections: number, times: number, request: Buffer): Promise<void> {
  const one = async (): Promise<void> => {
    const socket = open(port);
    for (let at = 0; at < times && !socket.destroyed; at += 1) {
      socket.write(request);
      await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
}

const piece = Buffer.from(' '.repeat(SIZE / PARTS - 16));
const pieces = Array.from({ length: PARTS }, () => piece);
const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
const trickled = [...pieces.map(() => chunk), ...Array.from({ length: 16 }, () => Buffer.from('1\r\n \r\n'))];
const upgrade =
  'GET /bayeux HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 203.0.113.7\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

it.each<[string, string, readonly Buffer[]]>([
  ['bodies of a length they never reach', head('application/json', `Content-Length: ${SIZE}`), pieces],
  [
    'bodies in chunks, the last ones of one byte',
    head('application/json', 'Transfer-Encoding: chunked'),
    trickled,
  ],
  [
    'compressed bodies',
    head('application/json', `Content-Encoding: gzip\r\nContent-Length: ${SIZE}`),
    pieces,
  ],
  ['WebSocket frames', upgrade, [masked(' '.repeat(SIZE - 64)).subarray(0, 14), ...pieces]],
])(
  '%s that never end, on many connections, take what maxIncomingBytes allows',
  async (_what, begin, parts) => {
    const server = await MeasuredServer.start({ trustProxy: 1 }, HEAP);
    await politeWhile(server.url, Promise.resolve());
    const before = await server.measure();
    const bound = before.limit / 8;
    const slowest = await politeWhile(server.url, trickle(server.port, [Buffer.from(begin), ...parts]));
    // By then all that is on its way has come.
    await politeWhile(server.url, Promise.resolve());
    const after = await server.measure();
    expect(server.isAlive).toBe(true);
    expect(held(after) - held(before)).toBeLessThan(bound + CONNECTIONS * EACH);
    expect(after.rss - before.rss).toBeLessThan(2 * (bound + CONNECTIONS * EACH));
    expect(slowest).toBeLessThan(1000);
  },
);

const bomb = gzipSync(Buffer.alloc(50 * MiB, ' '));
const form = (body: string) =>
  Buffer.from(head('application/x-www-form-urlencoded', `Content-Length: ${body.length}`) + body);
const json = (body: string) => Buffer.from(head('application/json', `Content-Length: ${body.length}`) + body);
const zipped = (body: Buffer) =>
  Buffer.concat([
    Buffer.from(head('application/json', `Content-Encoding: gzip\r\nContent-Length: ${body.length}`)),
    body,
  ]);

it.each<[string, Buffer, number]>([
  ['gzip bombs', zipped(bomb), 3],
  ['forms of many pairs', form('message=1&'.repeat(SIZE / 10)), 2],
  ['forms of pairs that are nothing', form('%&'.repeat(SIZE / 2)), 2],
  ['forms of many escapes', form(`message=%5B${'%7B%7D%2C'.repeat(SIZE / 9 - 4)}%7B%7D%5D`), 2],
  ['lists of empty objects', json(`[${'{},'.repeat(SIZE / 3 - 2)}{}]`), 1],
])(
  '%s, one after another, leave nothing behind, and others are served meanwhile',
  async (_what, request, times) => {
    const server = await MeasuredServer.start({ trustProxy: 1 }, HEAP);
    await politeWhile(server.url, Promise.resolve());
    const before = await server.measure();
    const slowest = await politeWhile(server.url, repeat(server.port, 40, times, request));
    const after = await server.measure();
    expect(server.isAlive).toBe(true);
    expect(held(after) - held(before)).toBeLessThan(MiB);
    expect(after.rss - before.rss).toBeLessThan(128 * MiB);
    expect(slowest).toBeLessThan(1000);
  },
);
