import { expect, it, onTestFinished } from 'vitest';
import { EngineUnavailable, type EngineState } from '../../src/ports/engine.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { nodeSide } from '../support/node-side.ts';
import { describeWithRedis } from './cluster.ts';
import { publication, TestNode } from './test-node.ts';

const HOLD = 500;

describeWithRedis('away: "local"', (cluster) => {
  const namespace = () => cluster().keys.prefix.slice(1, -2);

  async function open(away: 'wait' | 'local') {
    const engine = redisEngine({ url: cluster().redis.url, namespace: namespace(), timeout: 200, away });
    const got: unknown[] = [];
    const states: EngineState[] = [];
    onTestFinished(() => engine.close());
    await engine.open(
      nodeSide({
        timeout: HOLD,
        deliver: ({ event }) => void got.push(event.message.data),
        state: (state) => void states.push(state),
      }),
    );
    await engine.interest('/**', true);
    return { engine, got, states };
  }

  it('delivers on the own node at once while Redis is away, and on others when it is back, each once', async () => {
    const [a, b] = [await open('local'), await open('wait')];
    onTestFinished(() => cluster().redis.continue());
    cluster().redis.pause();
    for (const { states } of [a, b]) await expect.poll(() => states.at(-1), { timeout: 3000 }).toBe('away');
    for (const data of [1, 2, 3]) await a.engine.publish(publication(data));
    expect(a.got).toEqual([1, 2, 3]);
    // The other node waits, and refuses.
    await expect(b.engine.publish(publication('refused'))).rejects.toThrow(EngineUnavailable);
    // Longer than publications wait otherwise.
    const durable = a.engine.history?.record(publication('durable', '/d'), { maxEvents: 9, maxAge: 60_000 });
    await expect(durable).rejects.toThrow(EngineUnavailable);
    cluster().redis.continue();
    await expect.poll(() => b.got, { timeout: 3000 }).toEqual([1, 2, 3]);
    await expect.poll(() => a.states.at(-1)).toBe('open');
    await a.engine.publish(publication('after'));
    expect(a.got).toEqual([1, 2, 3, 'after']);
    await expect.poll(() => b.got).toEqual([1, 2, 3, 'after']);
  });

  it('carries one that was on its way with others which are refused by then', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const limits = { hold: HOLD };
    const a = await TestNode.open('a', proxy.url, { namespace: namespace(), limits }, '/x');
    const b = await TestNode.open('b', cluster().redis.url, { namespace: namespace() }, '/x');
    const cut = proxy.cutAt('before the request', 'trapped');
    const outcome = a.outcome('trapped');
    const carried = a.node.publish(publication('delivered'), {}, true);
    await cut;
    onTestFinished(() => cluster().redis.continue());
    cluster().redis.pause();
    await expect.poll(() => a.states.at(-1), { timeout: 3000 }).toBe('away');
    expect(await a.outcome('later')).toBe('EngineUnavailable');
    cluster().redis.continue();
    expect(await outcome).toBe('EngineUnavailable');
    await carried;
    await a.publish('after');
    await expect.poll(() => b.got).toEqual(['delivered', 'after']);
    expect(a.got).toEqual(['after']);
  });
});
