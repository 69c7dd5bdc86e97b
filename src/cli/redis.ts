import type { Log } from '../lib/log.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Engine } from '../ports/engine.ts';
import { redisEngine } from '../redis/redis-engine.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { clusterSettings } from './cluster-links.ts';

/** The engine on Redis; undefined without `redis.url`. Throws `ConfigError` for a URL, an address or a file that cannot be used. */
export function redisEngineOf({ program, places }: Config, log: Log): Engine | undefined {
  const { url, ...options } = program.redis;
  if (url === undefined) return undefined;
  try {
    const cluster = clusterSettings(program.cluster, log);
    return redisEngine({ url, ...options, ...(cluster && { cluster }) });
  } catch (error) {
    return unusable(error, places);
  }
}

/** Throws `ConfigError` for a Redis, or links, that an engine refuses. */
export function unusable(cause: unknown, places: Config['places']): never {
  if (!(cause instanceof UsageError)) throw cause;
  const [option = 'url'] =
    /^(cluster(\.\w+)+|sentinels|clusterNodes|durability)(?=[ :])/.exec(cause.message) ?? [];
  const key = option.startsWith('cluster.') ? option : `redis.${option}`;
  throw new ConfigError([{ key, place: places.get(key) ?? key, message: cause.message }], { cause });
}

/** The cluster of this node, in words. */
export function clusterOf({ program: { redis, cluster } }: Config): readonly string[] {
  if (redis.url === undefined) return [];
  const { listen, advertise = listen, tls } = cluster;
  const where = `This node is one of the cluster "${redis.namespace}" on the Redis at ${new URL(redis.url).host}.`;
  if (listen === undefined)
    return [
      where,
      'Clients may come to any node. Requests are forwarded through Redis: links are faster, set cluster.listen.',
    ];
  const how =
    tls.certFile !== undefined || listen.startsWith('/')
      ? ''
      : ' The links are not encrypted: let no other network reach them, or set cluster.tls.';
  return [where, `Clients may come to any node. Other nodes reach this one at ${advertise}.${how}`];
}
