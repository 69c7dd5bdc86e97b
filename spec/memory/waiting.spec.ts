import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MIB = 1_048_576;
const HEAP = 256;
const options = { maxInterval: 600_000, hookTimeout: 600_000, trustProxy: 1 } as const;

/** 80 KiB of text, and a megabyte or two once it is parsed. */
const objects = Array.from({ length: 27_000 }, () => ({}));

async function sessionOf(client: HttpClient): Promise<string> {
  const types = { version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const [welcome] = await client.post({ channel: '/meta/handshake', ...types });
  return String(welcome?.clientId);
}

/** Publishes what the policy never decides on, each over a connection of its own. */
async function publishSlowly(port: number, clientId: string, data: unknown, times: number): Promise<void> {
  for (let at = 0; at < times; at += 1) await postAlone(port, { channel: '/slow', clientId, data });
}

/** Posts on a connection of its own, whose answer is of no interest. */
async function postAlone(port: number, message: object): Promise<void> {
  const body = JSON.stringify(message);
  const head = `POST /bayeux HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.7\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {}).resume();
  if (!socket.write(head + body)) await once(socket, 'drain');
}

it.each<[string, unknown]>([
  ['empty objects', objects],
  ['text', 'x'.repeat(200_000)],
  ['text beyond latin', 'я'.repeat(60_000)],
  ['properties of many names', Object.fromEntries(objects.slice(0, 15_000).map((_, at) => [`name${at}`, 1]))],
])('what waits for one session takes no more than twice maxWaitingBytes: %s', async (_what, data) => {
  const server = await MeasuredServer.start({ ...options, maxWaitingBytes: 4 * MIB }, HEAP);
  const client = new HttpClient(server.url, 1);
  const clientId = await sessionOf(client);
  await politeWhile(server.url, Promise.resolve());
  const before = await server.measure();
  await publishSlowly(server.port, clientId, data, 95);
  await politeWhile(server.url, Promise.resolve());
  const after = await server.measure();
  client.close();
  expect(held(after) - held(before)).toBeGreaterThan(MIB);
  expect(held(after) - held(before)).toBeLessThan(2 * 4 * MIB);
});

it('what waits for one WebSocket takes no more than twice maxWaitingBytes', async () => {
  const server = await MeasuredServer.start({ ...options, maxWaitingBytes: 4 * MIB }, HEAP);
  await politeWhile(server.url, Promise.resolve());
  const alice = await WebSocketClient.connected(server.url);
  const before = await server.measure();
  for (let at = 0; at < 95; at += 1) alice.send(alice.message('/slow', { data: objects }));
  await politeWhile(server.url, Promise.resolve());
  const after = await server.measure();
  expect(held(after) - held(before)).toBeGreaterThan(MIB);
  expect(held(after) - held(before)).toBeLessThan(2 * 4 * MIB);
});

/** Measures a server before a flood and after it, while others are served. */
async function flooded(flood: (server: MeasuredServer, client: HttpClient) => Promise<void>) {
  const server = await MeasuredServer.start(options, HEAP);
  await politeWhile(server.url, Promise.resolve());
  const before = await server.measure();
  const client = new HttpClient(server.url, 1);
  const slowest = await politeWhile(server.url, flood(server, client));
  await politeWhile(server.url, Promise.resolve());
  const after = await server.measure();
  client.close();
  expect(server.isAlive).toBe(true);
  expect(held(after) - held(before)).toBeLessThan(before.limit / 8);
  expect(slowest).toBeLessThan(1000);
  return { before, after };
}

it('what waits for all sessions takes what maxIncomingBytes allows, and others are served meanwhile', async () => {
  const { before, after } = await flooded(async ({ port }, client) => {
    for (let at = 0; at < 100; at += 1) await publishSlowly(port, await sessionOf(client), objects, 3);
  });
  expect(after.rss - before.rss).toBeLessThan((2 * before.limit) / 8 + 64 * MIB);
});

it.each(['ext', 'surplus'])(
  'what held connects have in %s takes what maxIncomingBytes allows, and others are served meanwhile',
  async (field) => {
    await flooded(async ({ port }, client) => {
      for (let at = 0; at < 100; at += 1) {
        const clientId = await sessionOf(client);
        const connect = { channel: '/meta/connect', clientId, connectionType: 'long-polling' };
        await client.post({ ...connect, advice: { timeout: 0 } });
        await postAlone(port, { ...connect, [field]: { objects } });
      }
    });
  },
);
