import { it } from 'vitest';
import { type DiskFlood, floodDisk, largeEvents, manyChannels, tinyEvents } from '../memory/disk-flood.ts';

it.each<[string, DiskFlood, number]>([
  ['large events', { ...largeEvents, batches: 2000 }, 64],
  ['many tiny events', tinyEvents, 4],
  ['many channels', manyChannels, 4],
])(
  'a folder takes no more than twice the bound of its history under a flood of %s',
  async (_, flood, bound) => {
    await floodDisk(flood, bound);
  },
);
