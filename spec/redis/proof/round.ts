import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import { Redis as Redis6 } from 'ioredis-6';
import { createClient as createClient6 } from 'redis-client-6';
import { redisEngine, type RedisEngineOptions } from '../../../src/redis/redis-engine.ts';
import { Host } from '../../interop/host.ts';
import { CutProxy } from '../../support/cut-proxy.ts';
import type { RedisServer } from '../../support/redis-server.ts';
import { recoveries } from './check.ts';
import { Client } from './client.ts';
import type { ClusterHistory } from './cluster-history.ts';
import { Recorder } from './recorder.ts';
import { channels, type Newcomer, NODES, type Phase, type Schedule } from './schedule.ts';
import { troubleNetwork, troubleRedis } from './troubles.ts';

/** How long the servers hold a connect. Milliseconds. */
const TIMEOUT = 1000;

/** Between two publishes of one publisher. Milliseconds. */
const PACE = 8;

const clients: Readonly<Record<string, (url: string) => NonNullable<RedisEngineOptions['client']>>> = {
  'node-redis 5': (url) => createClient({ url }),
  'node-redis 6': (url) => createClient6({ url }),
  'ioredis 5': (url) => new Redis(url, { lazyConnect: true }),
  'ioredis 6': (url) => new Redis6(url, { lazyConnect: true }),
};

interface Member {
  readonly proxy: CutProxy;
  readonly host: Host;
}

/** Three servers on one Redis, their clients, and what happens to them. */
export class Round {
  readonly #redis: RedisServer;
  readonly #schedule: Schedule;
  readonly #recorder = new Recorder(NODES);
  readonly #members: Member[] = [];
  readonly #clients: Client[] = [];
  #isPublishing = true;

  private constructor(redis: RedisServer, schedule: Schedule) {
    this.#redis = redis;
    this.#schedule = schedule;
  }

  /** Resolves when all is over, with what the clients saw. */
  static async run(redis: RedisServer, namespace: string, schedule: Schedule): Promise<ClusterHistory> {
    const round = new Round(redis, schedule);
    const stop = round.#recorder.watchStalls();
    try {
      await round.#open(namespace);
      await round.#play();
      return round.#recorder.history;
    } finally {
      stop();
      await round.#close();
    }
  }

  async #open(namespace: string): Promise<void> {
    const { library, durability } = this.#schedule;
    for (let node = 0; node < NODES; node += 1) {
      const proxy = await CutProxy.to(this.#redis.port);
      const client = clients[library]?.(proxy.url) ?? createClient({ url: proxy.url });
      const engine = redisEngine({ client, namespace, durability });
      const host = new Host(
        {
          ...{ engine, timeout: TIMEOUT, maxSessionsPerBrowser: -1, log: () => {} },
          channels: { '/d/**': { history: true } },
        },
        {},
      );
      await host.start();
      this.#members.push({ proxy, host });
      await host.server.open();
    }
    for (let node = 0; node < NODES; node += 1) {
      for (const type of ['websocket', 'long-polling'] as const) {
        const client = await this.#client(`${type} at ${node}`, node, type);
        await client.subscribe('/p/*');
        await client.subscribe('/d/*');
      }
    }
  }

  async #client(name: string, node: number, type: Newcomer['type']): Promise<Client> {
    const { url } = this.#host(node);
    const acknowledges = (node + name.length) % 2 === 0;
    const client = await Client.open({
      ...{ name, node, url, type, acknowledges, timeout: TIMEOUT, recorder: this.#recorder },
    });
    this.#clients.push(client);
    return client;
  }

  #host(node: number): Host {
    const host = this.#members[node]?.host;
    if (host === undefined) throw new Error(`there is no node ${node}`);
    return host;
  }

  async #play(): Promise<void> {
    const publishing = [
      ...this.#clients.map((client) => this.#repeat((channel) => client.publish(channel))),
      ...this.#members.map((_, node) => this.#repeat((channel) => this.#publish(node, channel))),
    ];
    await this.#well(performance.now());
    for (const [at, phase] of this.#schedule.phases.entries()) await this.#phase(phase, at);
    this.#isPublishing = false;
    await Promise.all(publishing);
    await this.#quiet();
  }

  // One publish after another, or many at once where answers wait.
  async #repeat(publish: (channel: string) => Promise<void>): Promise<void> {
    const underway = new Set<Promise<void>>();
    for (let count = 0; this.#isPublishing; count += 1) {
      const one = publish(channels[count % channels.length] ?? channels[0]).finally(() =>
        underway.delete(one),
      );
      underway.add(one);
      if (underway.size >= 20) await Promise.race(underway);
      await pause(PACE * 3);
    }
    await Promise.all(underway);
  }

  async #publish(node: number, channel: string): Promise<void> {
    const { id, answered } = this.#recorder.publish(`server ${node}`, node, channel);
    await this.#host(node)
      .server.publish(channel, { id })
      .then(
        () => answered(true),
        () => answered(false),
      );
  }

  async #phase({ network, redis, newcomers, burst }: Phase, at: number): Promise<void> {
    const { durability } = this.#schedule;
    const from = performance.now();
    const proxies = this.#members.map(({ proxy }) => proxy);
    const coming = newcomers.map((one, place) => this.#newcomer(one, `newcomer ${at}.${place}`));
    const bursting = Promise.all(
      Array.from({ length: burst.count }, (_, count) =>
        this.#publish(burst.node, channels[count % 2] ?? channels[0]),
      ),
    );
    await Promise.all([
      network && troubleNetwork(network, proxies, this.#redis),
      redis && troubleRedis(redis, this.#redis),
    ]);
    const until = performance.now();
    const is = [network?.is, redis?.is].filter((one) => one !== undefined).join(' and ');
    this.#recorder.trouble({ is, from, until, mayLose: durability === 'none' && redis?.is === 'kill' });
    const came = await Promise.all(coming);
    await bursting;
    await this.#well(until);
    await Promise.all(came.map((client, place) => newcomers[place]?.leaves && client.leave()));
  }

  async #newcomer({ after, node, type, pattern }: Newcomer, name: string): Promise<Client> {
    await pause(after);
    const client = await this.#client(name, node, type);
    await client.subscribe(pattern);
    return client;
  }

  // Until nodes and sessions have shown that they are well, or have not for too long.
  async #well(since: number): Promise<void> {
    const trouble = { is: 'any', from: since, until: since, mayLose: false };
    const end = performance.now() + 5000;
    const isWell = () =>
      recoveries({ ...this.#recorder.history, troubles: [trouble] }).every(Number.isFinite);
    while (!isWell() && performance.now() < end) await pause(100);
  }

  // The last event on each channel, of each node, comes behind all others.
  async #quiet(): Promise<void> {
    for (const channel of channels)
      await Promise.all(this.#members.map((_, node) => this.#publish(node, channel)));
    await pause(500);
  }

  async #close(): Promise<void> {
    this.#isPublishing = false;
    this.#redis.continue();
    for (const { proxy } of this.#members) {
      proxy.delay = 0;
      proxy.resume();
    }
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const { host, proxy } of this.#members) {
      await host.stop();
      proxy.close();
    }
  }
}
