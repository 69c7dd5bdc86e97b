import { expect } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { folder, peakWhile } from './folder-size.ts';
import { MeasuredServer, politeWhile } from './measured-server.ts';

const MIB = 1_048_576;
const rule = { history: { maxEvents: 10_000_000 } } as const;
const options = { unconnectedPublish: 'allow', channels: { '/d/**': rule } } as const;

/** What a flood publishes, and how much of it. */
export interface DiskFlood {
  readonly batches: number;
  /** Events in one batch. */
  readonly each: number;
  event(at: number): { readonly channel: string; readonly data: unknown };
}

export const largeEvents: DiskFlood = {
  batches: 300,
  each: 5,
  event: (at) => ({ channel: '/d/one', data: noise(20_000, at) }),
};

export const tinyEvents: DiskFlood = {
  batches: 120,
  each: 1000,
  event: (at) => ({ channel: '/d/one', data: at }),
};

export const manyChannels: DiskFlood = {
  batches: 120,
  each: 1000,
  event: (at) => ({ channel: `/d/${at}`, data: at }),
};

/** Publishes, and sees that the folder keeps within twice its bound, in MiB, while others are served. */
export async function floodDisk({ batches, each, event }: DiskFlood, bound: number): Promise<void> {
  const path = folder();
  const server = await MeasuredServer.start(options, 256, { path, maxBytes: bound * MIB });
  const client = new HttpClient(server.url, 1);
  const flood = async (): Promise<void> => {
    for (let at = 0; at < batches; at += 1) {
      await client.post(Array.from({ length: each }, (_, of) => event(at * each + of)));
    }
    client.close();
  };
  const peak = peakWhile(path, flood());
  expect(await politeWhile(server.url, peak)).toBeLessThan(1000);
  // Its events were more than it keeps; LevelDB makes tiny ones smaller than they are counted.
  expect(await peak).toBeGreaterThan((bound * MIB) / 4);
  expect(await peak).toBeLessThan(2 * bound * MIB);
}

// LevelDB makes nothing smaller of it.
function noise(length: number, seed: number): string {
  let text = '';
  for (let at = seed; text.length < length; at += 1)
    text += Math.sin(at + seed * 1000)
      .toString(36)
      .slice(3, 12);
  return text;
}
