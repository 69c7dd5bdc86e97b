import { onTestFinished } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { type ServingNode, serveNode } from '../support/cluster.ts';

/** The same for all nodes of these specs. */
export const SECRET = 'a secret that all nodes of these specs have';

const links = { listen: '127.0.0.1:0', secret: SECRET };

/** Starts a node, with links if none other are given. It knows the other nodes when it resolves. */
export function startRedisNode(
  redis: RedisEngineOptions,
  settings: ServerSettings & { readonly path?: string } = {},
): Promise<ServingNode> {
  return serveNode({ ...settings, engine: redisEngine({ cluster: links, ...redis }) });
}

/** As `startRedisNode`, for as long as the test. */
export async function redisNode(...given: Parameters<typeof startRedisNode>): Promise<ServingNode> {
  const node = await startRedisNode(...given);
  onTestFinished(() => node.stop());
  return node;
}
