import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import { Redis as Redis6 } from 'ioredis-6';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import type { EngineState, Publication } from '../../src/ports/engine.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { nodeSide } from '../support/node-side.ts';
import { redisIsMissing } from '../support/redis-server.ts';
import { masterName, password, WatchedRedis } from '../support/watched-redis.ts';
import { BusyServers } from './busy-servers.ts';
import { connectTo } from './connect.ts';

const because = redisIsMissing === undefined ? '' : `: ${redisIsMissing}`;
const patience = { timeout: 15_000 };

describe.skipIf(redisIsMissing)(`Sentinels${because}`, async () => {
  if (redisIsMissing) return;
  const redis = await WatchedRedis.start(3, '--appendonly', 'yes');

  const { sentinels, url } = redis.options;
  const ofIoRedis = {
    sentinels: redis.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    name: masterName,
    password,
    sentinelPassword: password,
    lazyConnect: true,
  };
  const forms: Readonly<Record<string, RedisEngineOptions>> = {
    'a URL with the name of the master': { url, sentinels },
    'a client of node-redis': { client: createClient({ password }), sentinels, master: masterName },
    'a client of ioredis 5': {
      client: new Redis({ password, lazyConnect: true }),
      sentinels,
      master: masterName,
    },
    'a client of ioredis 5 that names Sentinels': { client: new Redis(ofIoRedis) },
    'a client of ioredis 6 that names Sentinels': { client: new Redis6(ofIoRedis) },
  };

  async function open(options: RedisEngineOptions) {
    const engine = redisEngine({ namespace: randomUUID(), ...options });
    onTestFinished(() => engine.close());
    const got: unknown[] = [];
    const states: string[] = [];
    const side = nodeSide({
      deliver: ({ event }: Publication) => void got.push(event.message.data),
      state: (state: EngineState, why?: string) => void states.push(`${state} ${why}`),
    });
    const opening = engine.open(side);
    opening.catch(() => {});
    return { engine, got, states, opening };
  }

  it.each(Object.entries(forms))('tell where the Redis is, for %s', async (_, options) => {
    const { engine, got, opening } = await open(options);
    await opening;
    await engine.publish({ event: new OutgoingEvent({ channel: '/x', data: 1 }) });
    expect(got).toEqual([1]);
  });

  it.each(Object.entries(forms))('are not waited for when one is stopped, for %s', async (_, options) => {
    const [first] = redis.sentinels;
    onTestFinished(() => first?.continue());
    first?.pause();
    const { opening } = await open(options);
    await opening;
  });

  it('say that they know no such master', async () => {
    const { states } = await open({ url: `redis://:${password}@other`, sentinels });
    await expect.poll(() => states.join(), patience).toContain('it watches no master with the name other');
  });

  it('name each that does not answer', async () => {
    const { states } = await open({ url, sentinels: ['redis://127.0.0.1:1', 'redis://127.0.0.1:2'] });
    await expect
      .poll(() => states.join(), patience)
      .toMatch(/127\.0\.0\.1:1: .*ECONNREFUSED.*; 127\.0\.0\.1:2: /);
  });

  it('lead to the new master, and nothing is lost', {
    timeout: 60_000,
  }, async () => {
    const busy = await BusyServers.start({ ...redis.options, durability: 'none' });
    const goesOn = async () => {
      const known = busy.accepted.size;
      await expect.poll(() => busy.accepted.size, patience).toBeGreaterThan(known + 100);
    };
    await goesOn();
    const admin = await connectTo(redis.sentinels[1]?.url ?? '');
    await admin.send(['SENTINEL', 'FAILOVER', masterName]);
    await redis.failedOver();
    await goesOn();
    await redis.rejoined();
    await goesOn();
    await busy.stop();
    await expect.poll(() => busy.tally(), patience).toEqual({ lost: 0, twice: 0, repeatedIds: 0 });
    // Nobody can say whether all was put back.
    for (const told of busy.missed) expect(told).toContainEqual('unknown');
    for (const { server } of busy.hosts) {
      const page = await server.history('/d/busy', { after: busy.firstId });
      expect(page?.recovered).toBe(false);
    }
  });
});
