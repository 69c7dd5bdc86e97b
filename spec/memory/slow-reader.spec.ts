import { expect, it } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MIB = 1_048_576;

it('a WebSocket that stops reading takes no more than maxQueueBytes and what its socket may keep', async () => {
  const bound = 4 * MIB;
  const server = await MeasuredServer.start({
    maxQueueBytes: bound,
    queueOverflow: 'dropOldest',
    unconnectedPublish: 'allow',
  });
  const client = new HttpClient(server.url, 1);
  await politeWhile(server.url, Promise.resolve());
  const alice = await WebSocketClient.connected(server.url, '/big');
  const before = await server.measure();
  alice.socket.pause();
  const flood = async (): Promise<void> => {
    for (let at = 0; at < 300; at += 1) await client.post({ channel: '/big', data: 'x'.repeat(60_000) });
  };
  const slowest = await politeWhile(server.url, flood());
  const after = await server.measure();
  client.close();
  expect(after.sessions).toBe(1);
  expect(held(after) - held(before)).toBeGreaterThan(bound / 2);
  expect(held(after) - held(before)).toBeLessThan(bound + 2 * 262_144 + MIB);
  expect(after.rss - before.rss).toBeLessThan(2 * bound + 64 * MIB);
  expect(slowest).toBeLessThan(1000);
});
