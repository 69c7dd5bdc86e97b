import { onTestFinished } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { type ServingNode, serveNode } from '../support/cluster.ts';

/** The same for all nodes of these specs. */
export const SECRET = 'a secret that all nodes of these specs have';

const links = { listen: '127.0.0.1:0', secret: SECRET };

type Settings = ServerSettings & { readonly path?: string };

/** Starts a node, with links if none other are given. It knows the other nodes when it resolves. */
export function startRedisNode(redis: RedisEngineOptions, settings: Settings = {}): Promise<ServingNode> {
  return startPipedNode({ cluster: links, ...redis }, settings);
}

/** The same without links, unless some are given. */
export function startPipedNode(redis: RedisEngineOptions, settings: Settings = {}): Promise<ServingNode> {
  return serveNode({ ...settings, engine: redisEngine(redis) });
}

/** As `startRedisNode`, for as long as the test. */
export async function redisNode(...given: Parameters<typeof startRedisNode>): Promise<ServingNode> {
  return stoppedAfterTest(await startRedisNode(...given));
}

/** As `startPipedNode`, for as long as the test. */
export async function pipedNode(...given: Parameters<typeof startPipedNode>): Promise<ServingNode> {
  return stoppedAfterTest(await startPipedNode(...given));
}

function stoppedAfterTest(node: ServingNode): ServingNode {
  onTestFinished(() => node.stop());
  return node;
}
