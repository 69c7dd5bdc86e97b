import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../../src/core/memory-engine.ts';
import { SharedOnce } from '../../../src/http/api/shared-once.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import { MemoryShared } from '../../support/memory-shared.ts';
import { settle } from '../../support/until.ts';
import { KEY, probe } from './probe.ts';

const request = { caller: 'key ci', key: 'order-7', path: '/publish', body: { channel: '/x', data: 1 } };

describe('answers of all nodes', () => {
  function parts() {
    const clock = new FakeClock();
    const shared = new MemoryShared(clock);
    const noted: string[] = [];
    const refusals = { note: (event: string) => void noted.push(event) };
    const once = () => new SharedOnce({ answers: shared.answers, clock, refusals });
    return { clock, shared, noted, a: once(), b: once() };
  }

  it('are kept under a hash of the key, with a hash of the body', async () => {
    const { a, shared } = parts();
    await a.run(request, async () => ({ sessions: 1 }));
    const [[key, { answer, limits }] = ['', { answer: '', limits: {} }]] = [...shared.kept];
    expect(key).toMatch(/^[\da-f]{64}$/);
    expect(JSON.parse(answer)).toEqual({ digest: expect.any(String), text: '{"sessions":1}' });
    expect(limits).toEqual({ maxAge: 86_400_000, maxBytes: 16_777_216 });
  });

  it('are repeated by another node, for the same body', async () => {
    const { a, b } = parts();
    await a.run(request, async () => 1);
    expect(await b.run(request, async () => 2)).toEqual({ text: '1', isRepeated: true });
    await expect(b.run({ ...request, body: 2 }, async () => 2)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    expect(await b.run({ ...request, key: undefined }, async () => 3)).toEqual({
      text: '3',
      isRepeated: false,
    });
  });

  it('are waited for by nobody, however long the first request takes', async () => {
    const { a, b, clock } = parts();
    let finish: (value: number) => void = () => {};
    const first = a.run(request, () => new Promise((resolve) => (finish = resolve)));
    await settle();
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.tick(60_000);
      await expect(b.run(request, async () => 2)).rejects.toMatchObject({ code: 'request_running' });
    }
    finish(1);
    expect(await first).toEqual({ text: '1', isRepeated: false });
    expect(await b.run(request, async () => 2)).toEqual({ text: '1', isRepeated: true });
  });

  it('are forgotten with a request that failed', async () => {
    const { a, b } = parts();
    await expect(a.run(request, async () => Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(await b.run(request, async () => 2)).toEqual({ text: '2', isRepeated: false });
  });

  it('are given to the caller though they cannot be kept, which is logged', async () => {
    const { a, b, shared, clock, noted } = parts();
    const work = async () => {
      shared.isAway = true;
      return 1;
    };
    expect(await a.run(request, work)).toEqual({ text: '1', isRepeated: false });
    expect(noted).toEqual(['api.answer_lost']);
    shared.isAway = false;
    await expect(b.run(request, async () => 2)).rejects.toMatchObject({ code: 'request_running' });
    await clock.tick(60_001);
    expect(await b.run(request, async () => 2)).toEqual({ text: '2', isRepeated: false });
  });

  it('are not begun while the store is away: the request gets 503', async () => {
    const shared = new MemoryShared(new FakeClock());
    const engine = Object.assign(new MemoryEngine(), { shared });
    const { post, server } = await probe({ key: KEY }, { engine });
    let published = 0;
    server.on('published', () => (published += 1));
    shared.isAway = true;
    const sent = { key: KEY, body: { channel: '/x', data: 1 }, headers: { 'Idempotency-Key': 'one' } };
    expect(await post('/publish', sent)).toMatchObject({ status: 503, body: { code: 'engine_unavailable' } });
    expect(published).toBe(0);
    shared.isAway = false;
    expect((await post('/publish', sent)).status).toBe(200);
    expect(published).toBe(1);
  });
});
