import { UsageError } from '../../lib/usage-error.ts';
import { ioRedis } from './io-redis.ts';
import type { Dial } from './line.ts';
import { nodeRedis } from './node-redis.ts';

/** A client library that is installed beside bayeuxd. */
type RedisLibrary = '@redis/client' | 'ioredis';

/** How a URL is dialled. */
export interface DialUrlOptions {
  /** The library; if absent `@redis/client`, or `ioredis` where that is not installed. */
  readonly library?: RedisLibrary;
  /** Options of `node:tls` for `rediss:`, such as `ca`. */
  readonly tls?: object;
}

/** Opens lines to the Redis of a `redis:` or `rediss:` URL. Throws `UsageError` for another URL, or if no library is installed. */
export async function dialUrl(url: string, options: DialUrlOptions = {}): Promise<Dial> {
  checkUrl(url);
  const { library, tls } = options;
  if (library !== undefined) return makers[library](url, tls);
  try {
    return await makers['@redis/client'](url, tls);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return makers.ioredis(url, tls);
  }
}

const makers: Readonly<Record<RedisLibrary, (url: string, tls?: object) => Promise<Dial>>> = {
  '@redis/client': async (url, tls) => {
    const { createClient } = await installed(import('@redis/client'));
    return nodeRedis(createClient({ url, ...(tls !== undefined && { socket: { tls: true, ...tls } }) }));
  },
  ioredis: async (url, tls) => {
    const { Redis } = await installed(import('ioredis'));
    return ioRedis(new Redis(url, { lazyConnect: true, ...(tls !== undefined && { tls }) }));
  },
};

async function installed<T>(library: Promise<T>): Promise<T> {
  try {
    return await library;
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new MissingLibrary('a client library for Redis is missing: npm install @redis/client');
  }
}

class MissingLibrary extends UsageError {}

function isMissing(error: unknown): boolean {
  return (
    error instanceof MissingLibrary ||
    (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
  );
}

/** Throws `UsageError` unless this is a URL of Redis. `what`: its name in the error. */
export function checkUrl(url: unknown, what = 'the URL of Redis'): void {
  const protocol = typeof url === 'string' && URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === 'redis:' || protocol === 'rediss:') return;
  // The text is not repeated: it may hold a password.
  throw new UsageError(`${what} must look like redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT`);
}
