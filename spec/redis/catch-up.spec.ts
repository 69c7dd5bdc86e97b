import { expect, it, onTestFinished } from 'vitest';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { close } from '../interop/columns.ts';
import { host } from '../interop/host.ts';
import { openFaye } from '../interop/node-clients.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { createClient } from '@redis/client';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';
import { describeWithRedis } from './cluster.ts';
import { TestNode } from './test-node.ts';

const patience = { timeout: 15_000, interval: 20 };
const EVENTS = 5000;

describeWithRedis('a server that catches up', (cluster) => {
  it('serves the rest of its process between the events that it reads', async () => {
    const { url } = cluster().redis;
    const namespace = cluster().keys.prefix.slice(1, -2);
    const proxy = await CutProxy.to(cluster().redis.port);
    const a = await TestNode.open('a', url, { namespace });
    const b = await TestNode.open('b', nodeRedis(createClient({ url: proxy.url })), { namespace }, '/x');
    let turn = 0;
    const ticking = setInterval(() => (turn += 1), 0);
    onTestFinished(() => clearInterval(ticking));
    const turns = new Set<number>();
    // Each event keeps the process busy for a millisecond.
    b.got.push = (...data) => {
      for (const end = performance.now() + 1; performance.now() < end; );
      turns.add(turn);
      return Array.prototype.push.apply(b.got, data);
    };
    proxy.refuse();
    // One read of the mailbox has them all.
    await Promise.all(Array.from({ length: 200 }, (_, at) => a.publish(at)));
    proxy.admit();
    await expect.poll(() => b.got.length, patience).toBe(200);
    expect(turns.size).toBeGreaterThan(5);
  });

  it('sends what it reads at once: a fast client loses nothing to a short queue', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const namespace = cluster().keys.prefix.slice(1, -2);
    const engineAt = (url: string) => redisEngine({ url, namespace, durability: 'restart', timeout: 300 });
    const settings = { maxQueue: 100, log: () => {} };
    const a = await host({ ...settings, engine: engineAt(cluster().redis.url) });
    const b = await host({ ...settings, engine: engineAt(proxy.url) });
    await Promise.all([a.server.open(), b.server.open()]);
    const client = await openFaye(b.url, 'websocket');
    onTestFinished(() => close(client));
    await client.open();
    await client.subscribe('/busy');
    proxy.refuse();
    for (let at = 0; at < EVENTS; at += 100)
      await Promise.all(Array.from({ length: 100 }, (_, more) => a.server.publish('/busy', at + more)));
    expect(await client.heard()).toEqual([]);
    proxy.admit();
    await expect.poll(async () => (await client.heard()).length, patience).toBe(EVENTS);
    expect((await client.heard()).map(({ data }) => data)).toEqual(
      Array.from({ length: EVENTS }, (_, at) => at),
    );
    expect(b.server.counts.ends.overflow).toBe(0);
  });
});
