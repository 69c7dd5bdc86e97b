import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { nodeSide } from '../support/node-side.ts';
import { sent } from '../support/redis-command.ts';
import { redisIsMissing } from '../support/redis-server.ts';
import { WatchedRedis } from '../support/watched-redis.ts';
import { connectTo } from './connect.ts';
import { TestNode } from './test-node.ts';

const because = redisIsMissing === undefined ? '' : `: ${redisIsMissing}`;

describe.skipIf(redisIsMissing)(`durability "failover"${because}`, async () => {
  if (redisIsMissing) return;
  const [redis, broken] = await Promise.all([WatchedRedis.start(0), WatchedRedis.start(0)]);

  const open = (name: string, namespace: string, ...patterns: string[]) =>
    TestNode.open(name, redis.master.url, { namespace, durability: 'failover' }, ...patterns);

  function pauseReplica(): void {
    onTestFinished(() => redis.replica.continue());
    redis.replica.pause();
  }

  /** Of a promise, in time. */
  function settled(work: Promise<unknown>): { readonly is: () => boolean } {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    work.then(settle, settle);
    return { is: () => isSettled };
  }

  it('warns of settings that do not fit it', async () => {
    const warnings: string[] = [];
    const engine = redisEngine({ url: redis.master.url, namespace: randomUUID(), durability: 'failover' });
    onTestFinished(() => engine.close());
    await engine.open(nodeSide({ warn: (why) => void warnings.push(why) }));
    expect(warnings).toEqual([
      expect.stringContaining('needs a Redis with appendonly yes, and this one has no'),
      expect.stringContaining('needs a Redis with min-replicas-to-write 1, and this one has 0'),
    ]);
  });

  it('accepts what a replica has', async () => {
    const namespace = randomUUID();
    const [a, b] = [await open('a', namespace, '/x'), await open('b', namespace, '/x')];
    await Promise.all(Array.from({ length: 200 }, (_, at) => a.publish(at)));
    await expect.poll(() => b.got).toEqual(a.got);
    expect(a.got).toHaveLength(200);
  });

  it('accepts a publication only when a replica has it, however often Redis is asked, and delivers it once', async () => {
    const namespace = randomUUID();
    const [a, b] = [await open('a', namespace, '/x'), await open('b', namespace, '/x')];
    await a.publish(1);
    pauseReplica();
    const publishing = a.publish(2);
    const outcome = settled(publishing);
    await expect.poll(() => b.got).toEqual([1, 2]);
    // A new connection each time: on it nothing was written yet.
    let tries = 0;
    a.node.commands.onState(({ is }) => {
      if (is === 'away') tries += 1;
    });
    await expect.poll(() => tries, { timeout: 5000 }).toBeGreaterThan(3);
    expect(outcome.is()).toBe(false);
    expect(a.states).toEqual(['open', 'away']);
    redis.replica.continue();
    await publishing;
    await expect.poll(() => a.states.at(-1)).toBe('open');
    await a.publish(3);
    expect(a.got).toEqual([1, 2, 3]);
    await expect.poll(() => b.got).toEqual([1, 2, 3]);
    expect([a.gaps, b.gaps]).toEqual([[], []]);
  });

  it('says that an interest is in force only when a replica has it', async () => {
    const a = await open('a', randomUUID(), '/x');
    pauseReplica();
    const told = a.wants('/y');
    const outcome = settled(told);
    await expect.poll(() => a.states.at(-1), { timeout: 3000 }).toBe('away');
    expect(outcome.is()).toBe(false);
    redis.replica.continue();
    await told;
  });

  it('tells that publications were lost after a replica had them, and publishes them again', async () => {
    const namespace = randomUUID();
    const open = (name: string) =>
      TestNode.open(name, broken.master.url, { namespace, durability: 'failover' }, '/x');
    const [a, b] = [await open('a'), await open('b')];
    await a.publish('saved');
    for (const server of [broken.master, broken.replica]) await sent(server, 'SAVE');
    for (const data of ['lost 1', 'lost 2']) await a.publish(data);
    await expect.poll(() => b.got).toHaveLength(3);
    await Promise.all([broken.master.kill(), broken.replica.kill()]);
    await broken.master.restart();
    await broken.replica.restart();
    await expect
      .poll(() => a.failures.map(String), { timeout: 10_000 })
      .toContainEqual(
        expect.stringMatching(/"failover" does not hold: Redis lost 2 publications .* are published again/),
      );
    expect(a.gaps).toContainEqual({ why: 'rolled back', entries: 2 });
    await a.publish('next');
    await expect.poll(() => b.got.at(-1), { timeout: 10_000 }).toBe('next');
    for (const { got } of [a, b]) expect(got).toEqual(['saved', 'lost 1', 'lost 2', 'next']);
  });

  it('is away while its Redis may not write without replicas, and says why', async () => {
    const a = await open('a', randomUUID(), '/x');
    const admin = await connectTo(redis.master.url);
    onTestFinished(async () => void (await admin.send(['CONFIG', 'SET', 'min-replicas-to-write', '0'])));
    await admin.send(['CONFIG', 'SET', 'min-replicas-to-write', '2']);
    const publishing = a.publish(1);
    await expect
      .poll(() => a.node.commands.state, { timeout: 3000 })
      .toMatchObject({ is: 'away', reason: { message: expect.stringMatching(/^NOREPLICAS/) } });
    await expect.poll(() => a.states.at(-1)).toBe('away');
    await admin.send(['CONFIG', 'SET', 'min-replicas-to-write', '0']);
    await publishing;
    expect(a.got).toEqual([1]);
  });
});
