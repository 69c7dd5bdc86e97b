import { expect, it } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import type { RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import type { ServingNode } from '../support/cluster.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { describeWithRedis } from './cluster.ts';
import { dumpOf } from './dump.ts';
import { monitored } from './monitored.ts';
import { pipedNode, SECRET } from './redis-nodes.ts';

const patience = { timeout: 10_000, interval: 20 };
const publish = (clientId: string, data: unknown = 1) => ({ channel: '/a', clientId, data });
const subscribe = (clientId: string) => ({ channel: '/meta/subscribe', clientId, subscription: '/a' });

/** The status of the answer, or the error of its first message; `successful` if it has none. And the time it took, in milliseconds. */
async function outcome(url: string, message: object): Promise<{ readonly is: string; readonly ms: number }> {
  const began = performance.now();
  const response = await fetch(url, { method: 'POST', body: JSON.stringify([message]) });
  const text = await response.text();
  const ms = performance.now() - began;
  if (response.status !== 200) return { is: String(response.status), ms };
  const [reply] = JSON.parse(text).filter(
    ({ successful }: { successful?: boolean }) => successful !== undefined,
  );
  return { is: reply.error ?? 'successful', ms };
}

const isHeld = ({ server }: ServingNode) => [...server.sessions].every(({ state }) => state === 'held');
const hasLogged = ({ logged }: ServingNode, name: string) => logged.some(({ event }) => event === name);

describeWithRedis('nodes without links on one Redis', (cluster) => {
  const on = () => ({
    url: cluster().redis.url,
    namespace: cluster().keys.prefix.slice(1, -2),
    timeout: 300,
  });

  async function two(of: Partial<RedisEngineOptions> = {}, settings: ServerSettings = {}) {
    const [owner, edge] = [
      await pipedNode({ ...on(), ...of }, settings),
      await pipedNode({ ...on(), ...of }, settings),
    ];
    return { owner, edge, clientId: await shakeHands(owner.url) };
  }

  /** A connect that came to the edge, and is held at the owner. `answer`: what becomes of it. */
  async function held({ owner, edge, clientId }: Awaited<ReturnType<typeof two>>) {
    const answer = outcome(edge.url, connectOf(clientId));
    await expect.poll(() => isHeld(owner), patience).toBe(true);
    return { answer };
  }

  it('forward requests to each other through Redis, also to a node that has just started', async () => {
    const [a, b] = [await pipedNode(on()), await pipedNode(on())];
    const clientId = await shakeHands(b.url);
    // At once: the first node need not have seen the lease of the second one.
    expect(await outcome(a.url, publish(clientId))).toMatchObject({ is: 'successful' });
    await post(a.url, subscribe(clientId));
    const answer = post(a.url, connectOf(clientId));
    await expect.poll(() => isHeld(b), patience).toBe(true);
    await b.server.publish('/a', 2);
    expect((await answer).map(({ data }) => data)).toContain(2);
  });

  it.each([['without a secret'], ['with a secret']])('%s leave no clientId in Redis', async (which) => {
    const of = which === 'with a secret' ? { cluster: { secret: SECRET } } : {};
    const commands = await monitored(cluster().redis.port);
    const { owner, edge, clientId } = await two(of);
    await post(edge.url, subscribe(clientId));
    await post(edge.url, publish(clientId));
    const { answer } = await held({ owner, edge, clientId });
    await owner.server.publish('/a', 2);
    expect((await answer).is).toBe('successful');
    const stream = await fetch(`${edge.url}/${clientId}`, { headers: { Accept: 'text/event-stream' } });
    await stream.body?.cancel();
    const dump = (await dumpOf(cluster())).join('\n');
    const asked = await commands();
    const boxes = Array.from(asked.matchAll(/"box\\":\\"([^\\]+)/g), ([, box = '']) => box);
    expect(boxes.length).toBeGreaterThan(8);
    const all = [dump, asked, ...boxes.map((box) => Buffer.from(box, 'base64').toString('latin1'))].join(
      '\n',
    );
    for (const { server } of [owner, edge]) expect(all).toContain(server.node);
    const random = clientId.slice(owner.server.node.length);
    const parts = Array.from({ length: random.length - 9 }, (_, at) => random.slice(at, at + 10));
    const forms = [...parts, Buffer.from(random, 'hex').toString('base64').slice(2, 20), SECRET];
    expect(forms.filter((form) => all.includes(form))).toEqual([]);
  });

  it('with different secrets do not forward, and say so', async () => {
    const owner = await pipedNode({ ...on(), cluster: { secret: SECRET } });
    const edge = await pipedNode({ ...on(), cluster: { secret: `${SECRET}, or not` } });
    const clientId = await shakeHands(owner.url);
    const { is, ms } = await outcome(edge.url, publish(clientId));
    expect([is, ms < 6_000]).toEqual(['503', true]);
    const refusal = [...owner.logged, ...edge.logged].find(({ event }) => event === 'link.refused');
    expect(refusal?.why).toContain('set the same "cluster.secret" on all nodes');
  });

  it('answer 402 for sessions of a node that closes, at once', async () => {
    const { owner, edge, clientId } = await two();
    const { answer } = await held({ owner, edge, clientId });
    await owner.server.close();
    expect((await answer).is).toMatch(/^503|^402|successful/);
    expect((await outcome(edge.url, publish(clientId))).is).toBe('402::session_unknown');
  });

  it('lose nothing while Redis stops for a moment', async () => {
    const { owner, edge, clientId } = await two();
    await post(edge.url, subscribe(clientId));
    const { answer } = await held({ owner, edge, clientId });
    cluster().redis.pause();
    const publishing = Array.from({ length: 5 }, (_, at) => outcome(edge.url, publish(clientId, at)));
    await expect.poll(() => hasLogged(edge, 'engine.away'), patience).toBe(true);
    cluster().redis.continue();
    expect((await Promise.all(publishing)).map(({ is }) => is)).toEqual(Array(5).fill('successful'));
    // Their events came with these answers.
    await owner.server.publish('/a', 'the last');
    expect((await answer).is).toBe('successful');
    expect([...owner.logged, ...edge.logged].filter(({ event }) => event === 'link.closed')).toEqual([]);
  });

  it('answer 503 while Redis stops for longer, and go on with the same session', async () => {
    const { owner, edge, clientId } = await two();
    const { answer } = await held({ owner, edge, clientId });
    cluster().redis.pause();
    const asked = [await outcome(edge.url, publish(clientId)), await answer];
    cluster().redis.continue();
    expect(asked.map(({ is }) => is)).toEqual(['503', '503']);
    expect(asked[0]?.ms).toBeLessThan(8_000);
    await expect
      .poll(async () => (await outcome(edge.url, publish(clientId))).is, { timeout: 10_000, interval: 100 })
      .toBe('successful');
    expect(owner.server.sessions.size).toBe(1);
  });

  it('never answer 402 for a session that lives while Redis loses all it has', async () => {
    const { owner, edge, clientId } = await two();
    // Either node may renew its lease first, and then sees no other.
    const asked = [
      [edge.url, clientId],
      [owner.url, await shakeHands(edge.url)],
    ] as const;
    await cluster().send('FLUSHALL');
    const end = performance.now() + 4_000;
    const answers = asked.map(async ([url, id]) => {
      const seen = new Set<string>();
      while (performance.now() < end) {
        const { is, ms } = await outcome(url, connectOf(id, { advice: { timeout: 0 } }));
        seen.add(is);
        expect(ms).toBeLessThan(6_000);
      }
      seen.delete('503');
      return [...seen];
    });
    expect(await Promise.all(answers)).toEqual([['successful'], ['successful']]);
  });

  it('answer 503, then 402 when a node is gone from Redis for longer than its lease', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const owner = await pipedNode({ ...on(), url: proxy.url });
    const edge = await pipedNode(on());
    const clientId = await shakeHands(owner.url);
    const { answer } = await held({ owner, edge, clientId });
    proxy.close();
    const { is, ms } = await outcome(edge.url, publish(clientId));
    expect([is, ms < 8_000]).toEqual(['503', true]);
    expect((await answer).is).toBe('503');
    await expect
      .poll(async () => (await outcome(edge.url, publish(clientId))).is, { timeout: 10_000, interval: 100 })
      .toBe('402::session_unknown');
  });

  it('forward also while Redis has no free memory', async () => {
    const { edge, clientId } = await two();
    await cluster().send('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const connect = connectOf(clientId, { advice: { timeout: 0 } });
      expect((await outcome(edge.url, connect)).is).toBe('successful');
    } finally {
      await cluster().send('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('take large batches in pieces, refuse those above 16 MiB, and leave little in Redis', async () => {
    const large = {
      maxMessageSize: 100_000_000,
      maxFlushBytes: 100_000_000,
      maxIncomingBytes: 1_000_000_000,
    };
    const { owner, edge, clientId } = await two({ timeout: 2_000 }, large);
    const heard: unknown[] = [];
    owner.server.subscribe('/a', ({ data }) => void heard.push(data));
    const text = 'x'.repeat(12_000_000);
    expect((await outcome(edge.url, publish(clientId, text))).is).toBe('successful');
    expect(heard.map((data) => String(data).length)).toEqual([text.length]);
    const left = await cluster().told(owner.server.node);
    expect(left.join('').length).toBeLessThan(500_000);
    await expect.poll(() => cluster().told(owner.server.node), patience).toEqual([]);
    expect((await outcome(edge.url, publish(clientId, text.repeat(2)))).is).toBe('500');
    expect(edge.logged.find(({ event }) => event === 'link.too_large')?.why).toContain(
      'lower maxMessageSize',
    );
    expect((await outcome(edge.url, publish(clientId))).is).toBe('successful');
  });

  it('leave nothing in Redis when they close', async () => {
    const { owner, edge, clientId } = await two();
    await outcome(edge.url, publish(clientId));
    await edge.server.close();
    await owner.server.close();
    const keys = (await cluster().send('KEYS', '*')) as string[];
    expect(keys.filter((key) => key.startsWith(cluster().keys.prefix))).toEqual([cluster().keys.meta]);
  });
});
