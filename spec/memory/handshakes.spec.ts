import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { masked } from '../transports/websocket-client.ts';
import { MeasuredServer, politeWhile } from './measured-server.ts';

const HEAP = 256;
/** Memory promised for each session, of which one address may have half of what fits the heap. Bytes. */
const EACH = 32_768;

const handshake = JSON.stringify([
  { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['websocket', 'long-polling'] },
]);
// The flood has an address of its own, so that its bound is not that of others.
const from = 'X-Forwarded-For: 203.0.113.7';
const request = `POST /bayeux HTTP/1.1\r\nHost: 127.0.0.1\r\n${from}\r\nContent-Type: application/json\r\nContent-Length: ${handshake.length}\r\n\r\n${handshake}`;
const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const upgrade = `GET /bayeux HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${from}\r\n${key}\r\n\r\n`;

/** A connection that reads all that comes, and writes as fast as it is taken. */
function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {}).resume();
  return socket;
}

/** Writes the same bytes so many times, or until the connection is closed. */
async function pour(socket: Socket, bytes: string | Buffer, times: number): Promise<void> {
  const many = Buffer.concat(Array.from({ length: 50 }, () => Buffer.from(bytes)));
  for (let at = 0; at < times && !socket.destroyed && socket.writable; at += 50) {
    if (socket.write(many)) continue;
    await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve));
  }
}

/** Sends fifty requests at once, again and again, each time the last fifty were answered. */
async function post(socket: Socket, times: number): Promise<void> {
  let answers = 0;
  socket.setEncoding('latin1').on('data', (text: string) => {
    answers += text.split('HTTP/1.1 ').length - 1;
  });
  for (let at = 1; at <= times; at += 1) {
    socket.write(request.repeat(50));
    while (answers < at * 50) await once(socket, 'data');
  }
}

function spread(count: number, flood: () => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, flood));
}

const floods: readonly (readonly [string, (port: number) => Promise<unknown>])[] = [
  [
    'one WebSocket',
    (port) => {
      const socket = open(port);
      socket.write(upgrade);
      return pour(socket, masked(handshake), 90_000);
    },
  ],
  [
    'one WebSocket after another',
    async (port) => {
      for (let at = 0; at < 300; at += 1) {
        const socket = open(port);
        socket.write(upgrade);
        await pour(socket, masked(handshake), 50);
        socket.end();
        if (!socket.destroyed) await once(socket, 'close');
      }
    },
  ],
  ['two HTTP connections', (port) => spread(2, () => post(open(port), 100))],
];

describe('a server with a small heap outlives handshakes from', () => {
  it.each(floods)('%s, and goes on serving others', async (_from, flood) => {
    const server = await MeasuredServer.start({ trustProxy: 1 }, HEAP);
    const before = await server.measure();
    const slowest = await politeWhile(server.url, flood(server.port));
    expect(server.isAlive).toBe(true);
    const { rss, sessions, limit } = await server.measure();
    const most = limit / EACH / 2;
    expect(sessions).toBeLessThanOrEqual(most);
    expect(rss - before.rss).toBeLessThan(2 * most * EACH);
    expect(slowest).toBeLessThan(1000);
  });
});
