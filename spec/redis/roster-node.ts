import { createClient } from '@redis/client';
import { systemClock } from '../../src/lib/clock.ts';
import { newNode } from '../../src/lib/node-name.ts';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';
import { Interests } from '../../src/redis/interests.ts';
import { RedisNode } from '../../src/redis/redis-node.ts';
import { RedisRosters } from '../../src/redis/redis-rosters.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import type { TestCluster } from './cluster.ts';

const LEASE = 1200;

/** A node with rosters alone, behind a proxy, whose lease is short. */
export class RosterNode {
  readonly name = newNode();
  readonly rosters: RedisRosters;
  readonly proxy: CutProxy;
  readonly node: RedisNode;

  constructor(cluster: TestCluster, proxy: CutProxy, maxGone?: number) {
    this.proxy = proxy;
    const tell = (pattern: string, isWanted: boolean) => this.node.interest(pattern, isWanted);
    const interests = new Interests(tell, systemClock, 200);
    this.rosters = new RedisRosters({
      node: this.name,
      clock: systemClock,
      hold: () => 5000,
      opened: async () => this.node,
      interests,
      ...(maxGone !== undefined && { maxGone }),
    });
    this.node = new RedisNode({
      dial: nodeRedis(createClient({ url: proxy.url })),
      clock: systemClock,
      node: this.name,
      namespace: cluster.keys.prefix.slice(1, -2),
      timeout: 300,
      keepMs: 60_000,
      leaseMs: LEASE,
      lease: () => ({ formats: [1, 1] }),
      side: {
        deliver() {},
        told() {},
        state() {},
        failed() {},
        missed: ({ why }) => this.rosters.missed(why === 'trimmed' ? 0 : 1500),
        restarted: () => this.rosters.missed(1500),
        beaten: ({ due }) => due.forEach((dead) => void this.node.sweep(dead).catch(() => {})),
        interests: () => interests.patterns,
        places: () => this.rosters.places,
        attended: (reached) => this.rosters.reached(reached),
        changed: (roster, change) => this.rosters.changed(roster, change),
      },
    });
  }

  static async open(cluster: TestCluster, maxGone?: number): Promise<RosterNode> {
    const node = new RosterNode(cluster, await CutProxy.to(cluster.redis.port), maxGone);
    await node.node.open();
    return node;
  }

  /** Cuts it off for good: its keys stay until another node sweeps. */
  async kill(): Promise<void> {
    this.proxy.close();
    this.rosters.close();
    await this.node.close();
  }
}
