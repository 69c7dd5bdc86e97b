import { describe, expect, it } from 'vitest';
import { Once } from '../../../src/http/api/once.ts';
import { api, type ApiKey, Server } from '../../../src/index.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import { SlowHistory } from '../../support/slow-history.ts';
import { turn, until } from '../../support/until.ts';
import { KEY, probe } from './probe.ts';

const ci: ApiKey = { name: 'ci', key: 'a-key-for-continuous', rights: ['publish'], channels: ['/**'] };
const body = { channel: '/orders', data: { order: 7 } };

async function orders(options = {}, settings = {}) {
  const started = await probe({ key: KEY, keys: [ci], ...options }, settings);
  let published = 0;
  started.server.on('published', () => {
    published += 1;
  });
  const publish = (id: string, sent: unknown = body, key = KEY) =>
    started.post('/publish', { key, body: sent, headers: { 'Idempotency-Key': id } });
  return { ...started, publish, published: () => published };
}

describe('a request with an Idempotency-Key', () => {
  it('is carried out once: later ones get the first answer, and a header says so', async () => {
    const { publish, published } = await orders({}, { channels: { '/orders': { history: true } } });
    const first = await publish('order-7');
    const again = await publish('"order-7"');
    expect([again.status, again.body, published()]).toEqual([200, first.body, 1]);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await publish('order-8')).body.id).toBe(first.body.id + 1);
  });

  it('is another one with another key of the API', async () => {
    const { publish, published } = await orders();
    await publish('order-7');
    await publish('order-7', body, ci.key);
    expect(published()).toBe(2);
  });

  it('is refused with another body', async () => {
    const { publish, published } = await orders();
    await publish('order-7');
    const { body: problem } = await publish('order-7', { ...body, data: 8 });
    expect(problem).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    expect(published()).toBe(1);
  });

  it('waits for nothing: while the first still runs it is refused, and may come again', async () => {
    const held: (() => void)[] = [];
    const history = new SlowHistory((what) =>
      what === 'append' ? new Promise((resolve) => held.push(resolve)) : turn(),
    );
    const { publish, published } = await orders({}, { history, channels: { '/orders': { history: true } } });
    const first = publish('order-7');
    await until(() => held.length === 1);
    const second = await publish('order-7');
    expect([second.body.status, second.body.code]).toEqual([409, 'request_running']);
    expect(second.headers.get('retry-after')).toBe('1');
    held[0]?.();
    expect((await publish('order-7')).body).toEqual((await first).body);
    expect(published()).toBe(1);
  });

  it('that failed may come again', async () => {
    const { publish, published } = await orders();
    expect((await publish('order-7', { channel: '/orders' })).status).toBe(400);
    expect((await publish('order-7')).status).toBe(200);
    expect(published()).toBe(1);
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256)])('%j is refused', async (id) => {
    const { post } = await orders();
    const { body: problem } = await post('/publish', { key: KEY, body, headers: { 'Idempotency-Key': id } });
    expect(problem).toMatchObject({ status: 400, code: 'idempotency_key_invalid' });
  });

  it('is forgotten after its time', async () => {
    const { publish, published, clock } = await orders({ idempotency: { maxAge: 60_000 } });
    await publish('order-7');
    await clock.tick(59_999);
    await publish('order-7');
    expect(published()).toBe(1);
    await clock.tick(1);
    await publish('order-7');
    expect(published()).toBe(2);
  });

  it('takes bounded memory: past it the oldest are forgotten', async () => {
    const once = new Once(new FakeClock(), { maxBytes: 100_000 });
    const run = (key: string) =>
      once.run({ caller: 'key ci', key, path: '/publish', body }, async () => ({
        key,
        text: 'x'.repeat(50),
      }));
    for (let at = 0; at < 1000; at += 1) await run(`key-${at}`);
    expect(once.bytes).toBeLessThanOrEqual(100_000);
    expect(once.bytes).toBeGreaterThan(90_000);
    expect((await run('key-999')).isRepeated).toBe(true);
    expect((await run('key-0')).isRepeated).toBe(false);
  });

  it.each([{ maxAge: 0 }, { maxBytes: -1 }, { maxBytes: 1.5 }])('refuses the limits %j', (idempotency) => {
    expect(() => api(new Server(), { key: KEY, idempotency })).toThrow(/^idempotency\.max\w+ must be/);
  });
});
