import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import { Redis as Redis6 } from 'ioredis-6';
import { createClient as createClient6 } from 'redis-client-6';
import { ioRedis } from '../../src/redis/connection/io-redis.ts';
import type { Dial } from '../../src/redis/connection/line.ts';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';

/** The client libraries that bayeuxd works with, each with a client as its users make it. */
export const libraries: Readonly<Record<string, (url: string) => Dial>> = {
  'node-redis 5': (url) => nodeRedis(createClient({ url })),
  'node-redis 6': (url) => nodeRedis(createClient6({ url })),
  'ioredis 5': (url) => ioRedis(new Redis(url, { lazyConnect: true })),
  'ioredis 6': (url) => ioRedis(new Redis6(url, { lazyConnect: true })),
};
