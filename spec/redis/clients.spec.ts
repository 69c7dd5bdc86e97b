import { clusterRows } from '../interop/cluster-rows.ts';
import { describeWithRedis } from './cluster.ts';
import { startRedisNode } from './redis-nodes.ts';

describeWithRedis('three nodes on one Redis, linked', (cluster) => {
  clusterRows((settings) => {
    const { redis, keys } = cluster();
    const on = { url: redis.url, namespace: keys.prefix.slice(1, -2) };
    return Promise.all([1, 2, 3].map(() => startRedisNode(on, settings)));
  });
});
