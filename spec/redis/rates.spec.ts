import { expect, it, onTestFinished } from 'vitest';
import type { ApiKey } from '../../src/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { type ApiNode, acquainted, apiNode, apiNodes, KEY } from './api-nodes.ts';
import { describeWithRedis } from './cluster.ts';

const patience = { timeout: 10_000, interval: 20 };
const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
const body = { channel: '/x', data: 1 };

const shake = async (node: ApiNode): Promise<boolean> => {
  const [reply] = await node.say(handshake);
  return reply?.successful === true;
};

const count = (all: readonly boolean[]): number => all.filter((passed) => passed).length;

describeWithRedis('rates on three nodes', (cluster) => {
  it('count the handshakes of an address on all of them together', async () => {
    const settings = { limits: { handshakesPerAddress: 1 }, maxSessionsPerBrowser: -1 };
    const nodes = await apiNodes(cluster(), { settings });
    const began = performance.now();
    const rounds: boolean[] = [];
    for (let round = 0; round < 4; round += 1) rounds.push(...(await Promise.all(nodes.map(shake))));
    const seconds = (performance.now() - began) / 1000;
    // One at once, and then one a second.
    expect(count(rounds)).toBeGreaterThan(0);
    expect(count(rounds)).toBeLessThanOrEqual(1 + Math.floor(seconds));
    expect(nodes.flatMap(({ logged }) => logged)).toContainEqual(
      expect.objectContaining({ event: 'handshake.refused', option: 'limits.handshakesPerAddress' }),
    );
    await expect.poll(async () => nodes[0] && shake(nodes[0]), patience).toBe(true);
  });

  it('count the requests of an API key on all of them together', async () => {
    const ci: ApiKey = { name: 'ci', key: KEY, rights: ['publish'], channels: ['/**'], rate: 2 };
    const nodes = await apiNodes(cluster(), { options: { keys: [ci] } });
    const began = performance.now();
    const answers = await Promise.all([...nodes, ...nodes].map((node) => node.post('/publish', body)));
    const seconds = (performance.now() - began) / 1000;
    const passed = answers.filter(({ status }) => status === 200);
    expect(passed.length).toBeGreaterThanOrEqual(2);
    expect(passed.length).toBeLessThanOrEqual(2 + Math.floor(2 * seconds));
    const [refused] = answers.filter(({ status }) => status !== 200);
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_requests' } });
    expect(refused?.headers.get('retry-after')).toBe('1');
  });

  it('are those of each node while Redis is away: nobody waits, and the log says so', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const settings = { limits: { handshakesPerAddress: 1 }, maxSessionsPerBrowser: -1 };
    const a = await apiNode(cluster(), { settings, redis: { url: proxy.url } });
    const b = await apiNode(cluster(), { settings });
    await acquainted([a, b]);
    proxy.refuse();
    await expect.poll(() => a.logged.map(({ event }) => event), patience).toContain('engine.away');
    await expect.poll(() => shake(b), patience).toBe(true);
    const began = performance.now();
    await expect.poll(() => shake(a), patience).toBe(true);
    expect(await shake(a)).toBe(false);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(a.logged).toContainEqual(expect.objectContaining({ event: 'limits.local', level: 'warn' }));
  });

  it('let a handshake in within the time of a command when Redis stops', async () => {
    const a = await apiNode(cluster(), { settings: { limits: { handshakesPerAddress: 100 } } });
    cluster().redis.pause();
    onTestFinished(() => cluster().redis.continue());
    const began = performance.now();
    expect(await shake(a)).toBe(true);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
