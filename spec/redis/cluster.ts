import { randomUUID } from 'node:crypto';
import { beforeEach, describe } from 'vitest';
import type { RedisConnection } from '../../src/redis/connection/redis-connection.ts';
import { Keys } from '../../src/redis/keys.ts';
import { entriesOf } from '../../src/redis/reply.ts';
import { type Beat, beat, type BeatRequest } from '../../src/redis/scripts/beat.ts';
import { type Batch, type Carried, publish } from '../../src/redis/scripts/publish.ts';
import { interest } from '../../src/redis/scripts/interest.ts';
import { type Caller, ScriptRunner } from '../../src/redis/scripts/script.ts';
import { redisIsMissing, RedisServer } from '../support/redis-server.ts';
import { connectTo } from './connect.ts';

/** A namespace of its own in a real Redis, and what calls scripts there. */
export class TestCluster {
  readonly redis: RedisServer;
  readonly connection: RedisConnection;
  readonly keys = new Keys(randomUUID());
  readonly runner: ScriptRunner;

  constructor(redis: RedisServer, connection: RedisConnection) {
    this.redis = redis;
    this.connection = connection;
    this.runner = new ScriptRunner(connection, this.keys);
  }

  /** Any command. */
  send(...args: string[]): Promise<unknown> {
    return this.connection.send(args);
  }

  beat(node: string, request: Partial<BeatRequest> = {}): Promise<Beat> {
    return beat(this.runner, {
      node,
      leaseMs: 60_000,
      lease: { formats: [1, 1] },
      keepMs: 60_000,
      birth: 'first',
      numbers: { publications: 0, interests: 0, presences: 0 },
      ...request,
    });
  }

  /** A node with a lease, and interests. */
  async node(name: string, ...patterns: string[]): Promise<Caller> {
    const { birth } = await this.beat(name);
    const caller = { node: name, birth };
    if (patterns.length > 0) await this.interest(caller, 1, patterns);
    return caller;
  }

  interest(caller: Caller, number: number, wanted: readonly string[], not: readonly string[] = []) {
    const changes = [
      ...wanted.map((pattern) => ({ pattern, isWanted: true })),
      ...not.map((pattern) => ({ pattern, isWanted: false })),
    ];
    return interest(this.runner, caller, number, changes);
  }

  publish(caller: Caller, first: number, ...publications: Carried[]) {
    const batch: Batch = { first, publications };
    return publish(this.runner, caller, batch, 1000);
  }

  /** The fields of a mailbox's entries, each as one text: `n 1 p {…}`. */
  async mailbox(node: string): Promise<string[]> {
    const entries = entriesOf(await this.send('XRANGE', this.keys.mailbox(node), '-', '+'));
    return entries.map(({ fields }) => fields.flat().join(' '));
  }

  /** What a node was told and has not removed. */
  async told(node: string): Promise<string[]> {
    const entries = entriesOf(await this.send('XRANGE', this.keys.told(node), '-', '+'));
    return entries.flatMap(({ fields }) => fields.map(([, text]) => text));
  }
}

/** Describes what runs against a Redis of its own; skipped with the reason where there is none. */
export function describeWithRedis(
  name: string,
  body: (cluster: () => TestCluster) => void,
  ...args: string[]
): void {
  describe.skipIf(redisIsMissing)(redisIsMissing ? `${name}: ${redisIsMissing}` : name, async () => {
    if (redisIsMissing) return;
    const redis = await RedisServer.start(...args);
    let cluster: TestCluster | undefined;
    beforeEach(async () => {
      cluster = new TestCluster(redis, await connectTo(redis.url));
    });
    body(() => {
      if (cluster === undefined) throw new Error('asked for outside of a test');
      return cluster;
    });
  });
}

/** A publication whose envelope is recognised by its data. */
export const carried = (channel: string, data: unknown, more: Partial<Carried> = {}): Carried => ({
  channel,
  envelope: JSON.stringify({ data }),
  ...more,
});
