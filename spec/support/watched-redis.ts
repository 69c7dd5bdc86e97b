import type { RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { cameTrue, sent } from './redis-command.ts';
import { RedisServer } from './redis-server.ts';

/** The name of the master for the Sentinels. */
export const masterName = 'chat';

/** Of the Redis and of the Sentinels. */
export const password = 'watched-secret';

/** How long a Redis is silent until a Sentinel takes it for dead. Milliseconds. */
const DOWN_AFTER = 1000;

/** A Redis, a replica of it, and Sentinels. They end with the spec file. */
export class WatchedRedis {
  readonly sentinels: readonly RedisServer[];
  /** The master, and the replica. */
  #pair: readonly [RedisServer, RedisServer];

  private constructor(pair: readonly [RedisServer, RedisServer], sentinels: readonly RedisServer[]) {
    this.#pair = pair;
    this.sentinels = sentinels;
  }

  /** Resolves when the replica is in step. `settings` are those of both. */
  static async start(sentinels: number, ...settings: string[]): Promise<WatchedRedis> {
    const own = ['--requirepass', password, '--masterauth', password, ...settings];
    own.push('--repl-diskless-sync-delay', '0');
    const master = await RedisServer.start(...own);
    const replica = await RedisServer.start(...own, '--replicaof', `127.0.0.1 ${master.port}`);
    const quorum = Math.floor(sentinels / 2) + 1;
    const watching = Array.from({ length: sentinels }, () =>
      RedisServer.startSentinel(
        `requirepass ${password}`,
        `sentinel monitor ${masterName} 127.0.0.1 ${master.port} ${quorum}`,
        `sentinel auth-pass ${masterName} ${password}`,
        `sentinel down-after-milliseconds ${masterName} ${DOWN_AFTER}`,
        `sentinel failover-timeout ${masterName} 2000`,
      ),
    );
    const watched = new WatchedRedis([master, replica], await Promise.all(watching));
    await watched.inStep();
    return watched;
  }

  /** Options of an engine: the name of the master, and the Sentinels. */
  get options(): RedisEngineOptions & { readonly url: string; readonly sentinels: readonly string[] } {
    return { url: `redis://:${password}@${masterName}`, sentinels: this.sentinels.map(({ url }) => url) };
  }

  get master(): RedisServer {
    return this.#pair[0];
  }

  get replica(): RedisServer {
    return this.#pair[1];
  }

  /** Resolves when the master sends the replica all that is written, and the Sentinels know both, and one another. */
  async inStep(): Promise<void> {
    await cameTrue(async () => {
      const info = await sent(this.master, 'INFO', 'replication');
      return /state=online,offset=[1-9]/.test(info);
    });
    for (const sentinel of this.sentinels) {
      await cameTrue(async () => {
        const known = await sent(sentinel, 'INFO', 'sentinel');
        const others = `address=127.0.0.1:${this.master.port},slaves=1,sentinels=${this.sentinels.length}`;
        return known.includes('status=ok') && known.includes(others);
      });
    }
  }

  /** Resolves when the replica is the master: for itself, and for a Sentinel. */
  async failedOver(): Promise<void> {
    const next = this.replica;
    await cameTrue(async () => (await sent(next, 'INFO', 'replication')).includes('role:master'));
    this.#pair = [next, this.master];
  }

  /** Resolves when the former master has become the replica, and is in step. */
  async rejoined(): Promise<void> {
    await cameTrue(async () => (await sent(this.replica, 'INFO', 'replication')).includes('role:slave'));
    await this.inStep();
  }
}
