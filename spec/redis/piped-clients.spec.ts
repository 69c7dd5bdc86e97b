import { clusterRows } from '../interop/cluster-rows.ts';
import { describeWithRedis } from './cluster.ts';
import { startPipedNode } from './redis-nodes.ts';

describeWithRedis('three nodes on one Redis, without links', (cluster) => {
  clusterRows((settings) => {
    const on = { url: cluster().redis.url, namespace: cluster().keys.prefix.slice(1, -2) };
    return Promise.all([1, 2, 3].map(() => startPipedNode(on, settings)));
  });
});
