// A redis-server of its own, and engines on it in this process.
import { createClient } from '@redis/client';
import { redisEngine } from '../../dist/redis/redis-engine.js';
import { startRedis } from './redis-server.js';

const redis = await startRedis();
const client = createClient({ socket: { path: redis.path, tls: false } });

export const { admin, usage, stop } = redis;

/** @param {string} name */
export async function node(name) {
  const one = redisEngine({ client, namespace: 'bench', keep: 10_000 });
  await one.open({
    timeout: 5000,
    deliver: () => {},
    missed: (what) => console.error(name, 'missed', what),
    state: () => {},
    warn: (why) => console.error(name, why),
  });
  return one;
}
