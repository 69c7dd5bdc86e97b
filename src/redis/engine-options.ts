import { checkLinks, type LinkSettings } from '../cluster/link-settings.ts';
import { checkNames, member } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Durability } from './check-redis.ts';
import { checkUrl, dialUrl } from './connection/dial-url.ts';
import { type IoRedisClient, ioRedis } from './connection/io-redis.ts';
import type { Dial } from './connection/line.ts';
import { type NodeRedisClient, nodeRedis } from './connection/node-redis.ts';

/** The Redis of a cluster, and how it is used. */
export interface RedisEngineOptions {
  /** `redis://HOST:PORT`, or `rediss://USER:PASSWORD@HOST:PORT` for TLS. Either this or `client`. */
  readonly url?: string;
  /**
   * A client of `@redis/client` or `redis`, or of `ioredis`, whose options are used: the client itself stays as it is, and need not be
   * connected.
   */
  readonly client?: NodeRedisClient | IoRedisClient;
  /** With a URL of `rediss:`, options of `node:tls` such as `ca`. */
  readonly tls?: object;
  /** All keys begin with it, in braces; `bayeux` if absent. Nodes with one namespace are one cluster. */
  readonly namespace?: string;
  /**
   * What a restart of Redis may lose. `none`, the default: the last publications, so that sessions are told of a gap and earlier positions
   * count as possibly missing. `restart`: nothing, since Redis has `appendonly yes` and `appendfsync always`.
   */
  readonly durability?: Durability;
  /** How long a command may take before the connection counts as broken. Milliseconds; 1000 if absent. */
  readonly timeout?: number;
  /** How long a node may be without Redis, or too slow, before events are discarded that it has not read. Milliseconds; 60,000 if absent. */
  readonly keep?: number;
  /**
   * Links to the other nodes, over which a request reaches the node of its session. If absent, each client has to come to the same node
   * each time.
   */
  readonly cluster?: LinkSettings;
}

/** Options that were checked. */
export type ResolvedRedisOptions = Pick<RedisEngineOptions, 'url' | 'client' | 'tls' | 'cluster'> &
  Required<Pick<RedisEngineOptions, 'namespace' | 'durability' | 'timeout' | 'keep'>>;

const names: Record<keyof RedisEngineOptions, true> = {
  url: true,
  client: true,
  tls: true,
  namespace: true,
  durability: true,
  timeout: true,
  keep: true,
  cluster: true,
};

const usage = "write redisEngine({ url: 'redis://127.0.0.1:6379' })";

/** Checks options. Throws `UsageError` that names what to write. */
export function readOptions(options: RedisEngineOptions): ResolvedRedisOptions {
  if (typeof options === 'string') throw new UsageError(`the options must be an object: ${usage}`);
  checkNames(options, { what: 'the options of redisEngine', functions: [], others: Object.keys(names) });
  const {
    url,
    client,
    tls,
    namespace = 'bayeux',
    durability = 'none',
    timeout = 1000,
    keep = 60_000,
    cluster,
  } = options;
  if ((url === undefined) === (client === undefined))
    throw new UsageError(`redisEngine takes either a url or a client: ${usage}`);
  if (url !== undefined) checkUrl(url);
  if (client !== undefined) checkClient(client);
  checkTls(tls, url);
  if (typeof namespace !== 'string' || !/^[^{}\s]+$/.test(namespace))
    throw new UsageError(`namespace must be a text without braces and spaces, got ${shown(namespace)}`);
  if (durability !== 'none' && durability !== 'restart')
    throw new UsageError(`durability must be "none" or "restart", got ${shown(durability)}`);
  checkMs('timeout', timeout, 10);
  checkMs('keep', keep, 5000);
  if (cluster !== undefined) checkLinks(cluster);
  return {
    namespace,
    durability,
    timeout,
    keep,
    ...(url !== undefined && { url }),
    ...(client !== undefined && { client }),
    ...(tls !== undefined && { tls }),
    ...(cluster !== undefined && { cluster }),
  };
}

/** How connections are made. Rejects with `UsageError` if no client library is installed. */
export async function dialOf({ url, client, tls }: ResolvedRedisOptions): Promise<Dial> {
  if (url !== undefined) return dialUrl(url, tls === undefined ? {} : { tls });
  if (client !== undefined && isIoRedis(client)) return ioRedis(client);
  if (client !== undefined) return nodeRedis(client);
  throw new UsageError(usage);
}

function isIoRedis(client: NodeRedisClient | IoRedisClient): client is IoRedisClient {
  return 'call' in client && typeof client.call === 'function';
}

function checkClient(client: unknown): void {
  const isClient =
    typeof member(client, 'duplicate') === 'function' &&
    (typeof member(client, 'call') === 'function' || typeof member(client, 'sendCommand') === 'function');
  if (!isClient)
    throw new UsageError(
      `client must be a client of @redis/client or ioredis, got ${shown(client)}: ${usage}`,
    );
  if (member(client, 'isCluster') === true || member(client, 'masters') !== undefined)
    throw new UsageError(
      'client is one of a Redis Cluster, which is not supported: give one of a Redis that stands alone',
    );
  const sentinels = member(member(client, 'options'), 'sentinels');
  if (Array.isArray(sentinels) && sentinels.length > 0)
    throw new UsageError(
      'client asks Sentinels, which is not supported: give one with the address of the Redis itself',
    );
}

function checkTls(tls: unknown, url: string | undefined): void {
  if (tls === undefined) return;
  if (typeof tls !== 'object' || tls === null)
    throw new UsageError(`tls must be an object with options of node:tls, got ${shown(tls)}`);
  if (url?.startsWith('rediss:') !== true) throw new UsageError('tls needs a url that begins with rediss:');
}

function checkMs(name: string, value: unknown, min: number): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= 1_000_000_000) return;
  throw new UsageError(`${name} must be a number of milliseconds, at least ${min}, got ${shown(value)}`);
}
