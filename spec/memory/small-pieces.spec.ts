import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/until.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MAX = 1_048_576;

let server: MeasuredServer;
let before: number;

async function begin(): Promise<void> {
  server = await MeasuredServer.start({ maxMessageSize: MAX });
  await politeWhile(server.url, Promise.resolve());
  before = held(await server.measure());
}

/** How much more the server holds than before. Bytes. */
const more = async () => held(await server.measure()) - before;

async function write(socket: Socket, piece: Buffer, times: number): Promise<void> {
  for (let at = 0; at < times && socket.writable; at += 1) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
}

/** A masked frame; the mask is 0. */
const frame = (opcode: number, payload: string, final = false) =>
  Buffer.concat([
    Buffer.from([(final ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0]),
    Buffer.from(payload),
  ]);

describe('what comes in small pieces costs no more than what comes whole (SEC-8)', () => {
  it('a body of 1 MiB in chunks of one byte is refused', async () => {
    await begin();
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    socket.write('POST /bayeux HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n');
    const flood = write(socket, Buffer.from('1\r\n \r\n'.repeat(1024)), MAX / 1024);
    expect(
      await politeWhile(
        server.url,
        flood.catch(() => {}),
      ),
    ).toBeLessThan(1000);
    expect(await more()).toBeLessThan(2 * MAX);
    await until(() => socket.destroyed);
  });

  it.each([
    ['empty fragments', ''],
    ['fragments of one byte', 'x'],
  ])('a WebSocket message of endless %s is refused', async (_what, payload) => {
    await begin();
    const alice = await WebSocketClient.open(server.url);
    alice.socket.on('error', () => {});
    alice.socket.write(frame(1, '['));
    const piece = Buffer.concat(Array.from({ length: 1024 }, () => frame(0, payload)));
    expect(await politeWhile(server.url, write(alice.socket, piece, 2000))).toBeLessThan(1000);
    expect(await more()).toBeLessThan(2 * MAX);
    await until(() => alice.code !== undefined || alice.ended);
    expect(alice.code ?? 1009).toBe(1009);
  });

  it('a WebSocket frame of 1 MiB that comes byte by byte', async () => {
    await begin();
    const alice = await WebSocketClient.open(server.url);
    alice.socket.setNoDelay(true);
    alice.socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]));
    for (let at = 0; at < 20_000; at += 1) {
      alice.socket.write(' ');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await more()).toBeLessThan(MAX);
  });

  it('WebSocket messages that are announced and do not come', async () => {
    await begin();
    const announced = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0x20]);
    for (let at = 0; at < 100; at += 1) {
      const client = await WebSocketClient.open(server.url);
      client.socket.write(announced);
    }
    await politeWhile(server.url, Promise.resolve());
    expect(await more()).toBeLessThan(2 * MAX);
  });

  it('control frames between fragments', async () => {
    await begin();
    const alice = await WebSocketClient.open(server.url);
    alice.socket.write(frame(1, '['));
    const piece = Buffer.concat(Array.from({ length: 1024 }, () => frame(10, '', true)));
    expect(await politeWhile(server.url, write(alice.socket, piece, 200))).toBeLessThan(1000);
    expect(await more()).toBeLessThan(2 * MAX);
  });
});
