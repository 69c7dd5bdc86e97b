import { forwardedConduits } from '../cluster/forwarded-conduits.ts';
import { describeWithRedis } from './cluster.ts';
import { pipedNode } from './redis-nodes.ts';

describeWithRedis('nodes without links on one Redis', (cluster) => {
  forwardedConduits('through Redis', (settings) => {
    const on = { url: cluster().redis.url, namespace: cluster().keys.prefix.slice(1, -2) };
    return Promise.all([pipedNode(on, settings), pipedNode(on, settings)]);
  });
});
