import { member } from '../lib/known-names.ts';
import { UsageError } from '../lib/usage-error.ts';
import { type Address, addressOf, addressText } from './connection/address.ts';
import { dialUrl } from './connection/dial-url.ts';
import { type IoRedisClient, ioRedis } from './connection/io-redis.ts';
import type { Dial } from './connection/line.ts';
import { type NodeRedisClient, nodeRedis } from './connection/node-redis.ts';
import { viaSentinels } from './connection/sentinel.ts';
import { viaSlotOwner } from './connection/slot-owner.ts';
import type { ResolvedRedisOptions } from './engine-options.ts';

/** How connections are made. `key`: any key of the engine. Rejects with `UsageError` if no client library is installed. */
export async function dialOf(options: ResolvedRedisOptions, key: string): Promise<Dial> {
  const { url, client, sentinels, master, clusterNodes } = options;
  const dial = await ownDial(options);
  if (sentinels !== undefined) {
    const name = master ?? decodeURIComponent(new URL(url ?? '').hostname);
    return viaSentinels({ sentinels: await sentinelDials(options), master: name, dial });
  }
  if (clusterNodes !== undefined) {
    const nodes = url === undefined ? clusterNodes : [nodeOf(url), ...clusterNodes];
    return viaSlotOwner({ nodes, key, dial });
  }
  return client !== undefined && isIoRedis(client) ? viaOwnSentinels(client, dial) : dial;
}

async function ownDial({ url, client, tls }: ResolvedRedisOptions): Promise<Dial> {
  if (url !== undefined) return dialUrl(url, tls === undefined ? {} : { tls });
  if (client !== undefined && isIoRedis(client)) return ioRedis(client);
  if (client !== undefined) return nodeRedis(client);
  throw new UsageError("write redisEngine({ url: 'redis://127.0.0.1:6379' })");
}

async function sentinelDials({ sentinels = [], tls }: ResolvedRedisOptions): Promise<Map<string, Dial>> {
  const dials = new Map<string, Dial>();
  for (const sentinel of sentinels) {
    const url = new URL(sentinel);
    if (url.port === '') url.port = '26379';
    const options = tls !== undefined && url.protocol === 'rediss:' ? { tls } : {};
    dials.set(url.host, await dialUrl(url.href, options));
  }
  return dials;
}

function nodeOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? '6379' : port}`;
}

// The library itself asks one Sentinel after another, so that one which is stopped uses up the time.
function viaOwnSentinels(client: IoRedisClient, dial: Dial): Dial {
  const options = (name: string): unknown => member(client.options, name);
  const sentinels = options('sentinels');
  if (!Array.isArray(sentinels) || sentinels.length === 0) return dial;
  const ask = ioRedis(client, {
    username: options('sentinelUsername'),
    password: options('sentinelPassword'),
    tls: options('sentinelTLS'),
    db: 0,
  });
  const addresses = sentinels.map((one): Address => ({ host: '127.0.0.1', port: 26_379, ...one }));
  return viaSentinels({
    sentinels: new Map(addresses.map((one) => [addressText(one), (hooks) => ask(hooks, one)])),
    master: String(options('name')),
    dial: ioRedis(client, options('enableTLSForSentinelMode') === true ? {} : { tls: undefined }),
    translate: (address) => translated(address, options('natMap')),
  });
}

// As ioredis does.
function translated(address: Address, natMap: unknown): Address {
  const name = addressText(address);
  const other: unknown = typeof natMap === 'function' ? natMap(name) : member(natMap, name);
  const [host, port] = [member(other, 'host'), member(other, 'port')];
  return typeof host === 'string' ? (addressOf(`${host}:${port}`) ?? address) : address;
}

function isIoRedis(client: NodeRedisClient | IoRedisClient): client is IoRedisClient {
  return 'call' in client && typeof client.call === 'function';
}
