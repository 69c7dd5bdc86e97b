import { createClient } from '@redis/client';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { Dial } from '../../src/redis/connection/line.ts';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';
import { RedisConnection, type RedisConnectionOptions } from '../../src/redis/connection/redis-connection.ts';

/** A connection that is open, and is closed when the test is over. */
export async function connectTo(
  to: string | Dial,
  options: Partial<RedisConnectionOptions> = {},
): Promise<RedisConnection> {
  const dial = typeof to === 'string' ? nodeRedis(createClient({ url: to })) : to;
  const connection = new RedisConnection({ dial, clock: systemClock, ...options });
  onTestFinished(() => connection.close());
  connection.open();
  await connection.whenOpen();
  return connection;
}
