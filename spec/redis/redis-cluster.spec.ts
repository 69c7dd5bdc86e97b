import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { nodeSide } from '../support/node-side.ts';
import { cameTrue, sent } from '../support/redis-command.ts';
import { RedisServer, redisIsMissing } from '../support/redis-server.ts';

import { BusyServers } from './busy-servers.ts';

const because = redisIsMissing === undefined ? '' : `: ${redisIsMissing}`;
const patience = { timeout: 20_000 };

/** Two masters with half of the hash slots each, and a replica of the first. */
async function startCluster(): Promise<[RedisServer, RedisServer, RedisServer]> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
  const [low, high, replica] = [
    await RedisServer.start(...settings),
    await RedisServer.start(...settings),
    await RedisServer.start(...settings),
  ];
  await sent(low, 'CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
  await sent(high, 'CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
  for (const other of [high, replica]) await sent(low, 'CLUSTER', 'MEET', '127.0.0.1', String(other.port));
  const id = await sent(low, 'CLUSTER', 'MYID');
  await cameTrue(async () => (await sent(replica, 'CLUSTER', 'REPLICATE', id)) === 'OK');
  for (const one of [low, high, replica])
    await cameTrue(async () => /state:ok[\s\S]*known_nodes:3/.test(await sent(one, 'CLUSTER', 'INFO')));
  await cameTrue(async () => (await sent(replica, 'INFO', 'replication')).includes('master_link_status:up'));
  return [low, high, replica];
}

describe.skipIf(redisIsMissing)(`a Redis Cluster${because}`, async () => {
  if (redisIsMissing) return;
  const [low, high, replica] = await startCluster();
  const nodes = [low, high, replica].map(({ port }) => `127.0.0.1:${port}`);

  const forms: Readonly<Record<string, RedisEngineOptions>> = {
    'the URL of a node': { url: high.url, clusterNodes: nodes.slice(0, 1) },
    'the URL of a node that is gone': { url: 'redis://127.0.0.1:1', clusterNodes: nodes },
    'a client of node-redis': { client: createClient({ url: low.url }), clusterNodes: nodes },
    'a client of ioredis': { client: new Redis(low.url, { lazyConnect: true }), clusterNodes: nodes },
  };

  /** Namespaces, the first with a hash slot of the first half. */
  async function namespaces(): Promise<[string, string]> {
    const found: [string | undefined, string | undefined] = [undefined, undefined];
    while (found[0] === undefined || found[1] === undefined) {
      const name = randomUUID();
      const slot = Number(await sent(low, 'CLUSTER', 'KEYSLOT', `{${name}}`));
      found[slot < 8192 ? 0 : 1] = name;
    }
    return [found[0], found[1]];
  }

  it.each(Object.entries(forms))('is used on the node that has the keys, for %s', async (_, options) => {
    for (const namespace of await namespaces()) {
      const engine = redisEngine({ ...options, namespace });
      onTestFinished(() => engine.close());
      const got: unknown[] = [];
      await engine.open(nodeSide({ deliver: ({ event }) => void got.push(event.message.data) }));
      await engine.publish({ event: new OutgoingEvent({ channel: '/x', data: 1 }) });
      expect(got).toEqual([1]);
    }
  });

  it('is refused where no other node of it is named, with what to write', async () => {
    const [namespace] = await namespaces();
    const engine = redisEngine({ url: low.url, namespace });
    const opening = engine.open(nodeSide());
    await expect(opening).rejects.toThrow('name other nodes of it in clusterNodes');
  });

  it('is followed when a replica takes over, and nothing is lost', { timeout: 60_000 }, async () => {
    const [namespace] = await namespaces();
    const busy = await BusyServers.start({ url: high.url, clusterNodes: nodes, namespace });
    const goesOn = async () => {
      const known = busy.accepted.size;
      await expect.poll(() => busy.accepted.size, patience).toBeGreaterThan(known + 100);
    };
    await goesOn();
    expect(await sent(replica, 'CLUSTER', 'FAILOVER')).toBe('OK');
    await expect.poll(() => sent(replica, 'INFO', 'replication'), patience).toContain('role:master');
    await goesOn();
    await busy.stop();
    await expect.poll(() => busy.tally(), patience).toEqual({ lost: 0, twice: 0, repeatedIds: 0 });
  });
});
