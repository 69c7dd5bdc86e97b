import type { Engine } from '../ports/engine.ts';
import { UsageError } from '../lib/usage-error.ts';
import { redisEngine } from '../redis/redis-engine.ts';
import { ConfigError } from './config-error.ts';
import type { ProgramOptions } from './options.ts';

/** The engine on Redis; undefined without `redis.url`. Throws `ConfigError` for a URL that cannot be used. */
export function redisEngineOf({ url, ...options }: ProgramOptions['redis']): Engine | undefined {
  if (url === undefined) return undefined;
  try {
    return redisEngine({ url, ...options });
  } catch (error) {
    return unusable(error);
  }
}

/** Throws `ConfigError` for a Redis that an engine refuses. */
export function unusable(cause: unknown): never {
  if (!(cause instanceof UsageError)) throw cause;
  throw new ConfigError([{ key: 'redis.url', place: 'redis.url', message: cause.message }], { cause });
}
