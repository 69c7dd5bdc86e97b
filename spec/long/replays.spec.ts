import { expect, it } from 'vitest';
import { MeasuredServer, politeWhile } from '../memory/measured-server.ts';
import { replayFlood, toManyPatterns, toOnePattern } from '../memory/replay-flood.ts';

const options = { channels: { '/d/**': { history: true } } } as const;
const MIB = 1_048_576;

it.each([
  ['to one pattern again and again', toOnePattern],
  ['to many patterns', toManyPatterns],
])('others are served while batches of 106 KiB ask for replays of 100,000 channels %s', async (_, batch) => {
  const server = await MeasuredServer.start(options, 256, { maxBytes: 128 * MIB });
  await server.spread(100_000);
  await politeWhile(server.url, Promise.resolve());
  const flooding = replayFlood(server.url, 4, batch);
  expect(await politeWhile(server.url, flooding)).toBeLessThan(1000);
  expect(server.isAlive).toBe(true);
});
