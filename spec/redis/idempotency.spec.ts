import { createHash } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import type { HeardEvent, Server } from '../../src/index.ts';
import { ask, serve } from '../cli/running-program.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { type ApiNode, apiNode, apiNodes, KEY } from './api-nodes.ts';
import { describeWithRedis } from './cluster.ts';

const patience = { timeout: 15_000, interval: 20 };
const body = { channel: '/orders', data: { order: 7 } };
const once = (key: string) => ({ 'Idempotency-Key': key });

describeWithRedis('an Idempotency-Key, on three nodes', (cluster) => {
  async function heardOn({ server }: { readonly server: Server }): Promise<HeardEvent[]> {
    const heard: HeardEvent[] = [];
    const session = await server.localSession();
    await session.subscribe('/orders', (event) => void heard.push(event));
    return heard;
  }

  /** Lets the next publish of this node wait. The returned function lets it go on, or fail. */
  function holdPublish({ server }: ApiNode) {
    const publishAll = server.publishAll.bind(server);
    let goOn: (error?: Error) => void = () => {};
    const begun = new Promise<void>((resolve) => {
      server.publishAll = async (events) => {
        resolve();
        const error = await new Promise<Error | undefined>((go) => (goOn = go));
        if (error !== undefined) throw error;
        server.publishAll = publishAll;
        return publishAll(events);
      };
    });
    return { begun, goOn: (error?: Error) => goOn(error) };
  }

  it('publishes once, and each node answers the same', async () => {
    const [a, b, c] = await apiNodes(cluster(), { settings: { channels: { '/orders': { history: true } } } });
    const heard = await heardOn(c);
    const first = await a.post('/publish', body, once('order-7'));
    const others = [
      await b.post('/publish', body, once('order-7')),
      await c.post('/publish', body, once('"order-7"')),
      await a.post('/publish', body, once('order-7')),
    ];
    expect(first).toMatchObject({ status: 200, body: { channel: '/orders', id: expect.any(Number) } });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    for (const other of others) {
      expect(other.body).toEqual(first.body);
      expect(other.headers.get('idempotent-replayed')).toBe('true');
    }
    const wrong = await b.post('/publish', { ...body, data: 8 }, once('order-7'));
    expect(wrong).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    await b.post('/publish', body, once('order-8'));
    await expect.poll(() => heard.length, patience).toBe(2);
  });

  it('publishes once when it comes to all nodes at the same time', async () => {
    const nodes = await apiNodes(cluster());
    const heard = await heardOn(nodes[2]);
    for (let round = 0; round < 10; round += 1) {
      const sent = nodes.map((node) => node.post('/publish', body, once(`round-${round}`)));
      const statuses = (await Promise.all(sent)).map(({ status }) => status);
      expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
      expect(statuses).toContain(200);
    }
    await nodes[0].server.publish('/orders', 'end');
    await expect.poll(() => heard.at(-1)?.data, patience).toBe('end');
    expect(heard).toHaveLength(11);
  });

  it('is answered 409 on other nodes while the first request runs, and is free when that fails', async () => {
    const [a, b] = await apiNodes(cluster());
    const { begun, goOn } = holdPublish(a);
    const first = a.post('/publish', body, once('order-7'));
    await begun;
    const second = await b.post('/publish', body, once('order-7'));
    expect(second).toMatchObject({ status: 409, body: { code: 'request_running' } });
    expect(second.headers.get('retry-after')).toBe('1');
    goOn(new Error('a bug'));
    expect((await first).status).toBe(500);
    expect((await b.post('/publish', body, once('order-7'))).status).toBe(200);
  });

  it('has its answer after the node that gave it was killed', async () => {
    const flags = ['--redis', cluster().redis.url, '--redis-namespace', cluster().keys.prefix.slice(1, -2)];
    const dying = await serve([...flags, '--api-key', KEY]);
    const b = await apiNode(cluster());
    const heard = await heardOn(b);
    const { status, body: text } = await ask(`${dying.url}/api/publish`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-API-Key': KEY, ...once('order-7') },
      body: JSON.stringify(body),
    });
    expect(status).toBe(200);
    await dying.end('SIGKILL');
    const again = await b.post('/publish', body, once('order-7'));
    expect(again.body).toEqual(JSON.parse(text));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(heard).toHaveLength(1);
  });

  it('is free again when the node that carries it out is dead', { timeout: 60_000 }, async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const a = await apiNode(cluster(), { redis: { url: proxy.url } });
    const b = await apiNode(cluster());
    const { begun, goOn } = holdPublish(a);
    const first = a.post('/publish', body, once('order-7'));
    await begun;
    // For the others this is what a killed process looks like.
    proxy.close();
    expect((await b.post('/publish', body, once('order-7'))).status).toBe(409);
    const later = () => b.post('/publish', body, once('order-7')).then(({ status }) => status);
    await expect.poll(later, { timeout: 40_000, interval: 50 }).toBe(200);
    goOn();
    expect((await first).status).toBe(503);
  });

  it('is answered 503 while Redis is away, and published once when it is back', async () => {
    const [a] = await apiNodes(cluster(), { settings: { engineTimeout: 300 } });
    cluster().redis.pause();
    onTestFinished(() => cluster().redis.continue());
    const refused = await a.post('/publish', body, once('order-7'));
    expect(refused).toMatchObject({ status: 503, body: { code: 'engine_unavailable' } });
    cluster().redis.continue();
    const heard = await heardOn(a);
    const again = () => a.post('/publish', body, once('order-7')).then(({ status }) => status);
    await expect.poll(again, patience).toBe(200);
    expect(await again()).toBe(200);
    expect(heard).toHaveLength(1);
  });

  it('is in Redis as a hash alone, with a time to live', async () => {
    const a = await apiNode(cluster());
    await a.post('/publish', body, once('a-secret-of-the-caller'));
    const name = 'key default\n/publish\na-secret-of-the-caller';
    const digest = createHash('sha256').update(name).digest('hex');
    const { prefix } = cluster().keys;
    expect(await cluster().send('HEXISTS', `${prefix}kh`, digest)).toBe(1);
    expect(await cluster().send('PTTL', `${prefix}kh`)).toBeGreaterThan(86_000_000);
    expect(String(await cluster().send('HGETALL', `${prefix}kh`))).not.toContain('secret');
    expect(await cluster().send('KEYS', '*secret*')).toEqual([]);
  });

  it('is forgotten after maxAge, and past maxBytes the oldest', async () => {
    const options = { key: KEY, idempotency: { maxAge: 500, maxBytes: 1500 } };
    const [a, b] = await apiNodes(cluster(), { options });
    const replayed = async (node: ApiNode, key: string) =>
      (await node.post('/publish', body, once(key))).headers.get('idempotent-replayed');
    await a.post('/publish', body, once('short'));
    expect(await replayed(b, 'short')).toBe('true');
    await expect.poll(() => replayed(b, 'short'), { timeout: 5000, interval: 50 }).toBeNull();
    await a.post('/publish', body, once('1'));
    for (const key of ['2', '3', '4']) await a.post('/publish', body, once(key));
    expect(await replayed(b, '1')).toBeNull();
  });
});
