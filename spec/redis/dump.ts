import { listOf, textOf } from '../../src/redis/reply.ts';
import type { TestCluster } from './cluster.ts';

const readers: Readonly<Record<string, (key: string) => string[]>> = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  stream: (key) => ['XRANGE', key, '-', '+'],
};

/** All keys of a cluster, sorted. */
export async function keysOf(cluster: TestCluster): Promise<string[]> {
  const keys = await cluster.send('KEYS', `${cluster.keys.prefix.replace(/[{}]/g, '?')}*`);
  return listOf(keys).map(textOf).toSorted();
}

/** All keys of a cluster, each with its value as JSON. */
export async function dumpOf(cluster: TestCluster): Promise<string[]> {
  const keys = await keysOf(cluster);
  return Promise.all(
    keys.map(async (key) => {
      const type = textOf(await cluster.send('TYPE', key));
      const read = readers[type];
      if (read === undefined) return type === 'none' ? '' : `${key} is a ${type}`;
      return `${key} ${JSON.stringify(await cluster.send(...read(key)))}`;
    }),
  );
}
