import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflationKey } from '../../src/ports/outgoing-event.ts';
import { OutgoingEvent, type OverflowRule } from '../../src/ports/outgoing-event.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { type Limits, plainOutbox, roomy } from './contracts/outbox.ts';
import { bounds, list, Model, schedules } from './gap-model.ts';

const all = Number.POSITIVE_INFINITY;
const bySymbol: OverflowRule = { action: 'conflate', key: '/symbol' };

/** An outbox, and short words for what is done with it: `a1` is the first price of symbol `a`. */
function outboxOf(overflow: OverflowRule = bySymbol, limits: Partial<Limits> = {}) {
  const outbox = plainOutbox({ ...roomy, ...limits });
  const eventOf = (name: string, channel = '/p') =>
    new OutgoingEvent({ channel, data: { symbol: name[0], price: name } }, { overflow });
  const push = (names: string, channel?: string) =>
    names.split(' ').map((name) => outbox.push(eventOf(name, channel)));
  const take = (count = all) => outbox.take(all, count).map(shown).join(' ');
  return { outbox, push, take, eventOf };
}

const shown = ({ message, gap }: OutgoingEvent) => {
  const { price } = Object(message.data);
  return gap === undefined ? price : `${price}-${gap.count}`;
};

describe('conflation', () => {
  it('keeps the newest event of each kind, in the place of the newest, and says nothing of the others', () => {
    const told: unknown[] = [];
    const { outbox, push, take } = outboxOf(bySymbol, {
      overflow: (dropped) => told.push(dropped),
    });
    expect(push('a1 b1 a2 c1 a3')).toEqual(['kept', 'kept', 'kept', 'kept', 'kept']);
    expect([outbox.size, outbox.urgent]).toEqual([3, 3]);
    expect([take(), outbox.size, outbox.urgent, outbox.hasGaps, told]).toEqual(['b1 c1 a3', 0, 0, false, []]);
    push('a4');
    expect(take()).toBe('a4');
  });

  it('looks at each channel by itself', () => {
    const { push, take } = outboxOf();
    push('a1', '/p');
    push('a2', '/q');
    push('a3', '/p');
    expect(take()).toBe('a2 a3');
  });

  it('leaves alone what has nothing at the pointer', () => {
    const { outbox } = outboxOf();
    for (const data of [{}, {}, 1, null, [], 'symbol']) {
      outbox.push(new OutgoingEvent({ channel: '/p', data }, { overflow: bySymbol }));
    }
    expect(outbox.size).toBe(6);
  });

  it('leaves alone what comes from history (RP-10)', () => {
    const { outbox, push, eventOf, take } = outboxOf();
    for (const name of ['a0', 'a1'])
      outbox.push(new OutgoingEvent(eventOf(name).message, { overflow: bySymbol, replayed: true }));
    push('a2 a3');
    const sent = outbox.take(all, all);
    push('a4');
    outbox.putBack(sent);
    expect(take()).toBe('a0 a1 a4');
  });

  it('drops an older one that comes back while a newer one waits', () => {
    const { outbox, push, take } = outboxOf();
    push('a1 b1');
    const sent = outbox.take(all, all);
    push('a2');
    outbox.putBack(sent);
    expect([outbox.size, outbox.urgent]).toEqual([2, 2]);
    push('b2 a3');
    expect([take(), outbox.size, outbox.urgent]).toEqual(['b2 a3', 0, 0]);
  });

  it('counts what it replaced no longer', () => {
    const { outbox, push, eventOf, take } = outboxOf(bySymbol, {
      maxQueueBytes: 2 * outboxOf().eventOf('a1').bytes,
    });
    expect(push('a1 b1 a2 b2 a3')).not.toContain('full');
    expect(outbox.push(eventOf('c1'))).toBe('full');
    expect(take()).toBe('b2 a3');
  });

  it('drops the oldest of its rule where too many kinds wait, and tells of that', () => {
    const { push, take } = outboxOf({ ...bySymbol, maxEvents: 2 });
    push('a1 b1 a2 c1 a3');
    expect(take()).toBe('c1-1 a3');
  });

  it('passes on what a replaced event would have told of, to the next of the channel', () => {
    const { push, take } = outboxOf(bySymbol, { maxQueue: 3, onOverflow: 'dropNewest' });
    push('a1 b1 e1 c1');
    take(1);
    push('a2');
    take(1);
    push('d1');
    // Now a2 tells of c1, between e1 and d1.
    push('a3');
    expect(take()).toBe('e1 d1-1 a3');
  });

  it('does as the server says where the session has no room', () => {
    const options = { maxQueue: 2, onOverflow: 'dropOldest' as const };
    const { push, take } = outboxOf(bySymbol, options);
    push('a1 b1 b2 c1');
    expect(take()).toBe('b2-1 c1');
    expect(outboxOf(bySymbol, { maxQueue: 1 }).push('a1 a2 b1')).toEqual(['kept', 'kept', 'full']);
  });

  it('works in the middle of a long queue, and takes no room for what it replaced', () => {
    const { outbox, push, take } = outboxOf();
    push('a1 b1');
    for (let at = 2; at < 20_000; at += 1) push(`b${at}`);
    expect([outbox.size, outbox.urgent]).toEqual([2, 2]);
    push('c1 d1');
    expect(take(2)).toBe('a1 b19999');
    push('a2 c2');
    expect(take()).toBe('d1 a2 c2');
  });

  it('delivers the newest of every kind, in order, whatever happens', () => {
    fc.assert(
      fc.property(schedules, (steps) => {
        const rule: OverflowRule = { action: 'conflate', key: '/key' };
        const model = new Model({}, [rule, rule, { ...rule }, undefined]);
        // A volatile one that is lost on the way is another matter.
        for (const step of steps) model.run(step.do === 'push' ? { ...step, volatile: false } : step);
        model.calmDown();
        expect(model.dropped).toBe(0);
        for (const [channel, published] of model.published) {
          const received = list(model.received, channel);
          expect(received).toEqual(received.toSorted((one, next) => Number(one) - Number(next)));
          expect(new Set(received).size).toBe(received.length);
          const newest = [0, 1, 2].flatMap((key) => model.latest.get(`${channel} ${key}`) ?? []);
          expect(received).toEqual(expect.arrayContaining(channel === '/3' ? published : newest));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('with bounds, misses no more than it tells of, and nothing of the newest that it does not', () => {
    fc.assert(
      fc.property(schedules, bounds, fc.integer({ min: 1, max: 6 }), (steps, some, maxQueue) => {
        const rule: OverflowRule = { action: 'conflate', key: '/key', ...some };
        const model = new Model({ maxQueue, onOverflow: 'dropOldest' }, [rule, rule, rule, rule]);
        for (const step of steps) model.run(step.do === 'push' ? { ...step, volatile: false } : step);
        model.calmDown();
        let told = 0;
        for (const [channel] of model.published) {
          const received = list(model.received, channel);
          const numbers = received.filter((one) => typeof one === 'number');
          expect(numbers).toEqual(numbers.toSorted((one, next) => one - next));
          const gaps = received.filter((one) => typeof one !== 'number');
          const count = gaps.reduce((sum, { gap }) => sum + (gap.count ?? 0), 0);
          const newest = [0, 1, 2].flatMap((key) => model.latest.get(`${channel} ${key}`) ?? []);
          expect(newest.filter((one) => !numbers.includes(one)).length).toBeLessThanOrEqual(count);
          told += count;
        }
        expect(told).toBe(model.dropped);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is at a JSON pointer', () => {
  const keyAt = (pointer: string, data: unknown) => conflationKey({ channel: '/p', data }, pointer)?.slice(3);

  it.each([
    ['', { b: 1, a: [2] }, '{"a":[2],"b":1}'],
    ['/a/1', { a: [2, 3] }, '3'],
    ['/a~1b/~0', { 'a/b': { '~': null } }, 'null'],
    ['/', { '': false }, 'false'],
    ['/~01', { '~1': 'x' }, '"x"'],
    ['/a/2', { a: [2, 3] }, undefined],
    ['/a/length', { a: [2, 3] }, undefined],
    ['/a/b', { a: 'text' }, undefined],
    ['/a/b', { a: null }, undefined],
    ['/constructor', {}, undefined],
    ['/__proto__', {}, undefined],
  ])('%s of %j', (pointer, data, text) => {
    expect(keyAt(pointer, data)).toBe(text);
  });

  it('is the same whatever order its keys came in, and says so of two channels as two', () => {
    expect(keyAt('/a', { a: { x: 1, y: { q: 2, p: 3 } } })).toBe(
      keyAt('/a', { a: { y: { p: 3, q: 2 }, x: 1 } }),
    );
    expect(keyAt('/a', { a: 1 })).not.toBe(keyAt('/a', { a: '1' }));
    expect(conflationKey({ channel: '/p', data: 1 }, '')).not.toBe(
      conflationKey({ channel: '/q', data: 1 }, ''),
    );
  });

  it('is found once for all sessions', () => {
    let reads = 0;
    const data = {
      get symbol() {
        reads += 1;
        return 'a';
      },
    };
    const event = new OutgoingEvent({ channel: '/p', data }, { overflow: bySymbol });
    expect([event.key, event.key, reads]).toEqual(['/p\n"a"', '/p\n"a"', 1]);
    let misses = 0;
    const without = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          misses += 1;
          return undefined;
        },
      },
    );
    const alone = new OutgoingEvent({ channel: '/p', data: without }, { overflow: bySymbol });
    expect([alone.key, alone.key, misses]).toEqual([undefined, undefined, 1]);
  });
});

describe('a server that conflates', () => {
  it('sends a slow reader the last price of each symbol, by the pointer of the rule', async () => {
    const { server } = serve({ channels: { '/prices/**': { overflow: bySymbol } } });
    const told: unknown[] = [];
    server.on('overflow', (event) => told.push(event));
    const client = await FakeClient.connected(server);
    await client.subscribe('/prices/*');
    for (let at = 0; at < 30; at += 1) await server.publish('/prices/eu', { symbol: 'abc'[at % 3], at });
    const wire = await client.connect();
    expect(wire.data).toEqual([
      { symbol: 'a', at: 27 },
      { symbol: 'b', at: 28 },
      { symbol: 'c', at: 29 },
    ]);
    expect([wire.replies[0]?.ext, told]).toEqual([undefined, []]);
  });
});
