import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { LinkedPeers } from '../../src/cluster/linked-peers.ts';
import type { Server, ServerSettings } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Engine } from '../../src/ports/engine.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { type ProxyProgram, proxyFor } from '../deploy/proxies.ts';
import { Host, type Hosting, hostBy, type Place } from '../interop/host.ts';
import { redisIsMissing, RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

/** Has all specs of a file run against three nodes on a Redis, behind a balancer that sends each request to the next node. */
export async function hostBehind(proxy: ProxyProgram): Promise<void> {
  if (redisIsMissing) throw new Error(redisIsMissing);
  const redis = await RedisServer.start();
  hostBy(async (settings, place) => {
    const host = new BalancedHost(redis.url, settings, place);
    onTestFinished(() => host.stop());
    await host.start();
    const { origin } = await proxyFor(
      proxy,
      host.nodes.map((node) => node.origin),
      proxy.withoutKeepAlive,
    );
    host.origin = origin;
    return host;
  });
}

/** Three nodes on a Redis. All can go away and come back, each on its port. */
class BalancedHost implements Hosting {
  readonly nodes: readonly Host[];
  readonly #path: string;
  #engines: Engine[] = [];
  #peers: readonly LinkedPeers[] = [];
  /** Of the balancer. */
  origin = '';

  constructor(redis: string, { history: _ofEachNode, ...settings }: ServerSettings, place: Place) {
    const namespace = randomUUID();
    this.#path = place.path ?? '/bayeux';
    this.nodes = Array.from(
      { length: 3 },
      () =>
        new Host(
          () => ({
            log: () => {},
            ...settings,
            trustProxy: ['loopback'],
            engine: this.#engine(redis, namespace),
          }),
          place,
        ),
    );
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
    this.#engines = [];
    await Promise.all(this.nodes.map((node) => node.start()));
    await Promise.all(this.nodes.map(({ server }) => server.open()));
    await until(
      () => this.#engines.every(({ peers }) => peers?.nodes.length === 2),
      'all nodes know each other',
    );
    this.#peers = this.nodes.map(({ server }) => {
      const { node, log, refusals } = server;
      const made = new LinkedPeers({
        ...{ node, log, refusals },
        clock: systemClock,
        secret: 'of a spec',
        listen: '127.0.0.1:0',
      });
      server.forwardTo(made);
      return made;
    });
    const infos = await Promise.all(
      this.#peers.map(async (one, at) => ({
        name: this.nodes[at]?.server.node ?? '',
        link: await one.open(),
      })),
    );
    for (const one of this.#peers) one.setNodes(infos);
    await until(() => this.#peers.every(({ linked }) => linked.length === 2), 'all nodes are linked');
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Promise.all(this.#peers.map((one) => one.close()));
  }

  #engine(url: string, namespace: string): Engine {
    const engine = redisEngine({ url, namespace });
    this.#engines.push(engine);
    return engine;
  }

  cut(): void {
    for (const node of this.nodes) node.cut();
  }
}
