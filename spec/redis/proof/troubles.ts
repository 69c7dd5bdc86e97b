import { createClient } from '@redis/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { CutProxy } from '../../support/cut-proxy.ts';
import type { RedisServer } from '../../support/redis-server.ts';
import type { NetworkTrouble, RedisTrouble } from './schedule.ts';

/** What a slow Redis takes longer for each command. Milliseconds. */
const SLOWNESS = 50;

/** Does something to the connections of nodes. Resolves when all is well again. */
export async function troubleNetwork(
  trouble: NetworkTrouble,
  proxies: readonly CutProxy[],
  redis: RedisServer,
): Promise<void> {
  const concerned = proxies.filter((_, at) => trouble.node === 'all' || trouble.node === at);
  for (const proxy of concerned) await troubleOne(trouble, proxy, redis);
  if (trouble.is !== 'slow') return;
  await pause(trouble.ms);
  for (const proxy of concerned) proxy.delay = 0;
}

async function troubleOne(trouble: NetworkTrouble, proxy: CutProxy, redis: RedisServer): Promise<void> {
  switch (trouble.is) {
    case 'slow':
      proxy.delay = SLOWNESS;
      return;
    case 'cut':
      for (let time = 0; time < trouble.times; time += 1) {
        proxy.cut();
        await pause(100);
      }
      return;
    case 'cut at':
      // There may be no such request while Redis is away.
      await Promise.race([proxy.cutAt(trouble.point, trouble.marker), pause(1000)]);
      return;
    case 'hold back':
      proxy.pause();
      await pause(trouble.ms);
      proxy.resume();
      return;
    case 'client kill':
      await kill(proxy.clients, redis.url);
  }
}

// A Redis that is stopped or gone kills nobody.
async function kill(clients: readonly string[], url: string): Promise<void> {
  const commands = clients.map((client) => ['CLIENT', 'KILL', 'ADDR', client]);
  await Promise.race([pause(500), sent(url, commands)]).catch(() => {});
}

/** Does something to Redis. Resolves when it is well again. */
export async function troubleRedis(trouble: RedisTrouble, redis: RedisServer): Promise<void> {
  switch (trouble.is) {
    case 'stop':
      redis.pause();
      await pause(trouble.ms);
      redis.continue();
      return;
    case 'kill':
      await redis.kill();
      await pause(trouble.ms);
      await redis.restart();
      return;
    case 'full':
      await sent(redis.url, [['CONFIG', 'SET', 'maxmemory', '1']]);
      await pause(trouble.ms);
      await sent(redis.url, [['CONFIG', 'SET', 'maxmemory', '0']]);
  }
}

async function sent(url: string, commands: readonly string[][]): Promise<void> {
  const admin = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {});
  await admin.connect();
  try {
    for (const command of commands) await admin.sendCommand(command).catch(() => {});
  } finally {
    admin.destroy();
  }
}
