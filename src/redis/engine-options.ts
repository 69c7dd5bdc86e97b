import { checkCluster, type ClusterSettings } from '../cluster/link-settings.ts';
import { checkNames, member } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Durability } from './durability.ts';
import { addressOf } from './connection/address.ts';
import { checkUrl } from './connection/dial-url.ts';
import type { IoRedisClient } from './connection/io-redis.ts';
import type { NodeRedisClient } from './connection/node-redis.ts';

/** The Redis of a cluster, and how it is used. */
export interface RedisEngineOptions {
  /** `redis://HOST:PORT`, or `rediss://USER:PASSWORD@HOST:PORT` for TLS. Either this or `client`. */
  readonly url?: string;
  /**
   * A client of `@redis/client` or `redis`, or of `ioredis`, whose options are used: the client itself stays as it is, and need not be
   * connected. One of ioredis may name Sentinels.
   */
  readonly client?: NodeRedisClient | IoRedisClient;
  /** With a URL of `rediss:`, options of `node:tls` such as `ca`. */
  readonly tls?: object;
  /**
   * URLs of Sentinels that tell where the Redis is. In the `url`, the name of the master takes the place of `HOST:PORT`:
   * `redis://USER:PASSWORD@mymaster`.
   */
  readonly sentinels?: readonly string[] | undefined;
  /** With `sentinels` and a `client`: the name of the master. */
  readonly master?: string;
  /** Other nodes of the Redis Cluster that the `url`, or the `client`, leads to: `HOST:PORT`. All keys are on one of its masters. */
  readonly clusterNodes?: readonly string[] | undefined;
  /** All keys begin with it, in braces; `bayeux` if absent. Nodes with one namespace are one cluster. */
  readonly namespace?: string;
  /**
   * What a restart of Redis may lose. `none`, the default: the last publications, so that sessions are told of a gap and earlier positions
   * count as possibly missing. `restart`: nothing, since Redis has `appendonly yes` and `appendfsync always`. `failover`: nothing either when
   * a replica takes over; each publish waits until one has it.
   */
  readonly durability?: Durability;
  /**
   * What happens to publications while Redis cannot be reached. `wait`, the default: they wait, and are refused after a while. `local`: on
   * channels that are not durable they are delivered on their node at once, and carried to others later; events are in no common order then.
   */
  readonly away?: 'wait' | 'local';
  /** How long a command may take before the connection counts as broken. Milliseconds; 1000 if absent. */
  readonly timeout?: number;
  /** How long a node may be without Redis, or too slow, before events are discarded that it has not read. Milliseconds; 60,000 if absent. */
  readonly keep?: number;
  /** How a request reaches the node of its session: with `listen` over links, else through Redis, which takes longer. */
  readonly cluster?: ClusterSettings;
}

/** Options that were checked. */
export type ResolvedRedisOptions = Pick<
  RedisEngineOptions,
  'url' | 'client' | 'tls' | 'sentinels' | 'master' | 'clusterNodes' | 'cluster'
> &
  Required<Pick<RedisEngineOptions, 'namespace' | 'durability' | 'away' | 'timeout' | 'keep'>>;

const names: Record<keyof RedisEngineOptions, true> = {
  url: true,
  client: true,
  tls: true,
  sentinels: true,
  master: true,
  clusterNodes: true,
  namespace: true,
  durability: true,
  away: true,
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
    sentinels,
    master,
    clusterNodes,
    namespace = 'bayeux',
    durability = 'none',
    away = 'wait',
    timeout = 1000,
    keep = 60_000,
    cluster,
  } = options;
  if ((url === undefined) === (client === undefined))
    throw new UsageError(`redisEngine takes either a url or a client: ${usage}`);
  if (url !== undefined) checkUrl(url);
  if (client !== undefined) checkClient(client);
  checkTls(tls, [url, ...listOr(sentinels)]);
  checkSentinels(options);
  checkClusterNodes(options);
  if (typeof namespace !== 'string' || !/^[^{}\s]+$/.test(namespace))
    throw new UsageError(`namespace must be a text without braces and spaces, got ${shown(namespace)}`);
  if (!['none', 'restart', 'failover'].includes(durability))
    throw new UsageError(`durability must be "none", "restart" or "failover", got ${shown(durability)}`);
  if (durability === 'restart' && (sentinels !== undefined || clusterNodes !== undefined))
    throw new UsageError(
      'durability "restart" does not fit a Redis whose replica may take over: write "failover" or "none"',
    );
  if (away !== 'wait' && away !== 'local')
    throw new UsageError(`away must be "wait" or "local", got ${shown(away)}`);
  checkMs('timeout', timeout, 10);
  checkMs('keep', keep, 5000);
  if (cluster !== undefined) checkCluster(cluster);
  return {
    namespace,
    durability,
    away,
    timeout,
    keep,
    ...(url !== undefined && { url }),
    ...(client !== undefined && { client }),
    ...(tls !== undefined && { tls }),
    ...(cluster !== undefined && { cluster }),
    ...(sentinels !== undefined && { sentinels }),
    ...(master !== undefined && { master }),
    ...(clusterNodes !== undefined && { clusterNodes }),
  };
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
      'client is one of a Redis Cluster: give one of a single node, with its options, and clusterNodes',
    );
}

function checkSentinels({ sentinels, master, url }: RedisEngineOptions): void {
  if (sentinels === undefined) {
    if (master !== undefined)
      throw new UsageError('master is the name of a Redis for Sentinels: give sentinels too');
    return;
  }
  if (!Array.isArray(sentinels) || sentinels.length === 0)
    throw new UsageError(`sentinels must be a list of URLs like redis://HOST:26379, got ${shown(sentinels)}`);
  for (const sentinel of sentinels) checkUrl(sentinel, 'each of sentinels');
  if (url === undefined && (typeof master !== 'string' || master === ''))
    throw new UsageError('sentinels with a client need master, the name under which they know the Redis');
  if (url === undefined) return;
  if (master !== undefined)
    throw new UsageError('master goes with a client: with a url, its host is the name of the master');
  if (new URL(url).port !== '' || new URL(url).hostname === '')
    throw new UsageError(
      'url must have the name of the master in place of HOST:PORT where there are sentinels, such as redis://mymaster',
    );
}

function checkClusterNodes({ clusterNodes, sentinels }: RedisEngineOptions): void {
  if (clusterNodes === undefined) return;
  const isList =
    Array.isArray(clusterNodes) &&
    clusterNodes.length > 0 &&
    clusterNodes.every((node) => typeof node === 'string' && addressOf(node) !== undefined);
  if (!isList) throw new UsageError(`clusterNodes must be a list of HOST:PORT, got ${shown(clusterNodes)}`);
  if (sentinels !== undefined)
    throw new UsageError(
      'sentinels and clusterNodes exclude each other: Sentinels do not watch a Redis Cluster',
    );
}

function listOr(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function checkTls(tls: unknown, urls: readonly unknown[]): void {
  if (tls === undefined) return;
  if (typeof tls !== 'object' || tls === null)
    throw new UsageError(`tls must be an object with options of node:tls, got ${shown(tls)}`);
  if (!urls.some((url) => typeof url === 'string' && url.startsWith('rediss:')))
    throw new UsageError('tls needs a url that begins with rediss:');
}

function checkMs(name: string, value: unknown, min: number): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= 1_000_000_000) return;
  throw new UsageError(`${name} must be a number of milliseconds, at least ${min}, got ${shown(value)}`);
}
