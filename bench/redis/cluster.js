import { startChild } from '../child.js';

const NODES = 3;
/** How long an event may be on its way. Milliseconds. */
const PATIENCE = 10_000;

/**
 * Starts nodes in processes of their own, runs the work, and stops them.
 *
 * @template T
 * @param {Awaited<ReturnType<typeof import('./redis-server.js').startRedis>>} redis
 * @param {'./redis/node.js' | './redis/faye/node.js'} script
 * @param {(nodes: readonly import('../child.js').Child[]) => Promise<T>} work
 * @param {number} [core] The core that all nodes share; undefined: any.
 */
export async function withNodes(redis, script, work, core) {
  await redis.flush();
  const env = { BENCH_REDIS: redis.path };
  const nodes = Array.from({ length: NODES }, () => startChild(script, core, {}, env));
  try {
    await Promise.all(nodes.map(({ ask }) => ask('open')));
    return await work(nodes);
  } finally {
    await Promise.all(nodes.map(({ ask }) => ask('close').catch(() => {})));
    await Promise.all(nodes.map(({ stop }) => stop()));
  }
}

/** Subscribes so many sessions more, spread over the nodes. @param {readonly import('../child.js').Child[]} nodes @param {number} count */
export async function subscribe(nodes, count) {
  await Promise.all(
    nodes.map(({ ask }, at) => ask('subscribe', Math.floor((count + nodes.length - 1 - at) / nodes.length))),
  );
}

/**
 * Waits until all sessions together have got so many events, or get none any more. Gives how many they got.
 *
 * @param {readonly import('../child.js').Child[]} nodes @param {number} count
 */
export async function received(nodes, count) {
  let [sum, since] = [-1, performance.now()];
  for (;;) {
    const all = await Promise.all(nodes.map(({ ask }) => ask('received')));
    const now = all.reduce((total, one) => total + one, 0);
    if (now !== sum) since = performance.now();
    sum = now;
    if (sum >= count || performance.now() > since + PATIENCE) return sum;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
