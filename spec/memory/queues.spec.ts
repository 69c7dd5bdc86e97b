import { describe, expect, it } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MIB = 1_048_576;
const HEAP = 256;

/** 80 KiB of text, and a megabyte or two once it is parsed. */
const objects = Array.from({ length: 27_000 }, () => ({}));

/** A session that subscribes, and never fetches what comes. */
async function sleeper(client: HttpClient, subscription: string): Promise<void> {
  const types = { version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const [welcome] = await client.post({ channel: '/meta/handshake', ...types });
  const named = { clientId: welcome?.clientId };
  await client.post({ channel: '/meta/subscribe', subscription, ...named });
}

async function publish(client: HttpClient, channel: string, data: unknown, times: number): Promise<void> {
  for (let at = 0; at < times; at += 1) await client.post({ channel, data });
}

describe('what waits for clients that do not fetch it', () => {
  it('takes no more than twice maxQueueBytes for one, however small its objects are', async () => {
    const options = { maxInterval: 100_000, unconnectedPublish: 'allow', maxQueueBytes: 4 * MIB } as const;
    const server = await MeasuredServer.start(options, HEAP);
    const client = new HttpClient(server.url, 1);
    await publish(client, '/warm', objects, 3);
    await sleeper(client, '/a');
    const before = await server.measure();
    await publish(client, '/a', objects, 45);
    const after = await server.measure();
    client.close();
    expect(after.sessions).toBe(1);
    expect(held(after) - held(before)).toBeGreaterThan(3 * MIB);
    expect(held(after) - held(before)).toBeLessThan(2 * 4 * MIB);
  });

  it('takes no more than maxQueuedBytes for all, and others are served meanwhile', async () => {
    const options = { maxInterval: 100_000, unconnectedPublish: 'allow', maxQueuedBytes: 32 * MIB } as const;
    const server = await MeasuredServer.start(options, HEAP);
    const client = new HttpClient(server.url, 1);
    const text = 'x'.repeat(200_000);
    const before = await server.measure();
    const flood = async (): Promise<void> => {
      for (let at = 0; at < 20; at += 1) {
        await sleeper(client, `/own/${at}`);
        await publish(client, `/own/${at}`, text, 18);
      }
    };
    expect(await politeWhile(server.url, flood())).toBeLessThan(1000);
    const after = await server.measure();
    client.close();
    expect(after.sessions).toBeGreaterThan(0);
    expect(held(after) - held(before)).toBeLessThan(32 * MIB + MIB);
    expect(after.rss - before.rss).toBeLessThan(2 * 32 * MIB + 64 * MIB);
  });
});
