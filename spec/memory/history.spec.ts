import { expect, it } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MIB = 1_048_576;
/** What a history in memory may hold by default. */
const BOUND = 64 * MIB;
/** Node 24 lets the young generation grow further: 2.2 times the bound were seen there. */
const MOST = process.versions.node.startsWith('24.') ? 2.4 : 2;

it('a flood of durable publishes takes no more than the history may, and others are served meanwhile', async () => {
  const options = { unconnectedPublish: 'allow', channels: { '/d/**': { history: true } } } as const;
  const server = await MeasuredServer.start(options);
  await politeWhile(server.url, Promise.resolve());
  const before = await server.measure();
  const client = new HttpClient(server.url, 1);
  const batch = Array.from({ length: 5 }, () => ({ channel: '/d/one', data: 'я'.repeat(25_000) }));
  const flood = async (): Promise<void> => {
    for (let at = 0; at < 340; at += 1) await client.post(batch);
  };
  const slowest = await politeWhile(server.url, flood());
  const after = await server.measure();
  client.close();
  expect(held(after) - held(before)).toBeGreaterThan(BOUND / 2);
  expect(held(after) - held(before)).toBeLessThan(BOUND + 4 * MIB);
  expect(after.rss - before.rss).toBeLessThan(MOST * BOUND);
  expect(slowest).toBeLessThan(1000);
});
