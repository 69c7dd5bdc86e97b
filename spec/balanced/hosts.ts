import { randomUUID } from 'node:crypto';
import { beforeEach, onTestFinished } from 'vitest';
import type { Server, ServerSettings } from '../../src/index.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { type ProxyProgram, proxyFor } from '../deploy/proxies.ts';
import { Host, type Hosting, hostBy, type Place } from '../interop/host.ts';
import { redisIsMissing, RedisServer } from '../support/redis-server.ts';

let balancer: ProxyProgram | undefined;
let redis: RedisServer | undefined;

/** Has all specs of a file run against three nodes on a Redis, behind a balancer that sends each request to the next node. */
export async function hostBehind(proxy: ProxyProgram): Promise<void> {
  const { name, isInstalled } = proxy;
  const missing = isInstalled ? redisIsMissing : `${name} is not installed: apt-get install ${name}`;
  if (missing !== undefined) {
    beforeEach(({ skip }) => skip(missing));
    return;
  }
  balancer = proxy;
  redis = await RedisServer.start();
  const { url } = redis;
  hostBy(async (settings, place) => {
    const host = new BalancedHost(url, settings, place);
    onTestFinished(() => host.stop());
    await host.start();
    host.origin = await balance(host.nodes.map(({ origin }) => origin));
    return host;
  });
}

/** The Redis of the nodes of this file. */
export function redisUrl(): string {
  if (redis === undefined) throw new Error('there is no Redis');
  return redis.url;
}

/** Puts the balancer of this file before three nodes, until the test ends. Resolves to its address. */
export async function balance(origins: readonly string[]): Promise<string> {
  if (balancer === undefined) throw new Error('there is no balancer');
  return (await proxyFor(balancer, origins, balancer.withoutKeepAlive)).origin;
}

/** Three nodes on a Redis. All can go away and come back, each on its port. */
class BalancedHost implements Hosting {
  readonly nodes: readonly Host[];
  readonly #path: string;
  /** Of the balancer. */
  origin = '';

  constructor(redis: string, { history: _ofOneNode, ...settings }: ServerSettings, place: Place) {
    const namespace = randomUUID();
    const engine = () =>
      redisEngine({
        url: redis,
        namespace,
        cluster: { listen: '127.0.0.1:0', secret: 'of three nodes behind a balancer' },
      });
    const own = () => ({ log: () => {}, ...settings, trustProxy: ['loopback'], engine: engine() });
    this.#path = place.path ?? '/bayeux';
    this.nodes = Array.from({ length: 3 }, () => new Host(own, place));
  }

  /** The node with a session; the first one if there is none. */
  get server(): Server {
    const servers = this.nodes.map(({ server }) => server);
    const owner = servers.find(({ sessions }) => sessions.size > 0) ?? servers[0];
    if (owner === undefined) throw new Error('not started');
    return owner;
  }

  get url(): string {
    return this.origin + this.#path;
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await Promise.all(this.nodes.map(({ server }) => server.open()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  cut(): void {
    for (const node of this.nodes) node.cut();
  }
}
