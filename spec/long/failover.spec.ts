import { describe, expect, it } from 'vitest';
import type { Durability } from '../../src/redis/redis-engine.ts';
import { BusyServers } from '../redis/busy-servers.ts';
import { redisIsMissing } from '../support/redis-server.ts';
import { WatchedRedis } from '../support/watched-redis.ts';

const because = redisIsMissing === undefined ? '' : `: ${redisIsMissing}`;

interface Row {
  readonly durability: Durability;
  readonly rounds: number;
  readonly settings: readonly string[];
}

const rows: readonly Row[] = [
  { durability: 'failover', rounds: 20, settings: ['--appendonly', 'yes', '--min-replicas-to-write', '1'] },
  { durability: 'none', rounds: 4, settings: [] },
];

/** The master stops, or is killed, and comes back after the replica has taken over. */
async function failOver(redis: WatchedRedis, how: 'stopped' | 'killed'): Promise<void> {
  const old = redis.master;
  if (how === 'stopped') old.pause();
  else await old.kill();
  await redis.failedOver();
  if (how === 'stopped') old.continue();
  else await old.restart();
}

describe.skipIf(redisIsMissing).each(rows)(
  `three servers with durability "$durability" while Sentinels fail over${because}`,
  async ({ durability, settings, rounds }) => {
    if (redisIsMissing) return;
    const redis = await WatchedRedis.start(3, ...settings);

    it(`lose nothing in ${rounds} rounds, or tell of it`, async () => {
      const busy = await BusyServers.start({ ...redis.options, durability });
      for (let round = 1; round <= rounds; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 1000));
        const before = performance.now();
        const how = round % 2 === 0 ? 'killed' : 'stopped';
        await failOver(redis, how);
        const known = busy.accepted.size;
        await expect.poll(() => busy.accepted.size, { timeout: 30_000 }).toBeGreaterThan(known + 20);
        const away = ((performance.now() - before) / 1000).toFixed(1);
        await redis.rejoined();
        console.log(`${durability} ${round}, ${how}: away ${away} s`, busy.figures());
      }
      await busy.stop();
      // The stopped master goes on for longer than nodes keep what was accepted, unless it has to have a replica.
      const mayLose = durability === 'none';
      const want = { twice: 0, repeatedIds: 0, ...(!mayLose && { lost: 0 }) };
      await expect.poll(() => busy.tally(), { timeout: 30_000 }).toMatchObject(want);
      console.log(`${durability}, in all:`, busy.figures());
      if (!mayLose) expect(await busy.unstored()).toBe(0);
      const page = await busy.hosts[0]?.server.history('/d/busy', { after: busy.firstId });
      expect(page?.recovered).toBe(!mayLose);
      for (const told of busy.missed) expect(told.length > 0).toBe(mayLose);
    });
  },
);
