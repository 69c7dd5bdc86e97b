import { it } from 'vitest';
import { floodDisk, largeEvents } from './disk-flood.ts';

it('a folder takes no more than twice the bound of its history under a flood, and others are served meanwhile', async () => {
  await floodDisk(largeEvents, 16);
});
