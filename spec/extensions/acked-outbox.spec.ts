import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckedOutbox } from '../../src/features/redelivery/acked-outbox.ts';
import type { Gap } from '../../src/ports/gap.ts';
import type { OverflowRule } from '../../src/ports/outgoing-event.ts';
import { eventOf, outboxContract, type Limits, plainOutbox, roomy } from '../core/contracts/outbox.ts';

const make = (limits: Limits) => new AckedOutbox(plainOutbox(limits));

outboxContract('acked', make, (outbox) => {
  const { ext } = outbox.sign({ channel: '/meta/connect', successful: true }, all);
  outbox.acknowledge(Number(ext?.ack));
});

const all = Number.POSITIVE_INFINITY;
const reply = { channel: '/meta/connect', successful: true } as const;

/** An outbox with these in it, and short words for what is done with it. */
function filled(...data: readonly number[]) {
  const outbox = make(roomy);
  const push = (...more: readonly number[]) => more.map((one) => outbox.push(eventOf(one)));
  push(...data);
  const take = (count = Number.POSITIVE_INFINITY) =>
    outbox.take(Number.POSITIVE_INFINITY, count).map(({ message }) => message.data);
  const close = () => outbox.sign(reply, all).ext?.ack;
  return { outbox, push, take, close };
}

describe('an acked outbox', () => {
  it('counts batches from 1, empty ones too (AK-2)', () => {
    const { take, close, push } = filled();
    expect([take(), close()]).toEqual([[], 1]);
    push(1);
    expect([take(), close()]).toEqual([[1], 2]);
    expect([take(), close()]).toEqual([[], 3]);
  });

  it('gives what is not acknowledged again, oldest first, then what is new (AK-4)', () => {
    const { outbox, push, take, close } = filled(1, 2);
    expect([take(), close()]).toEqual([[1, 2], 1]);
    push(3);
    outbox.acknowledge(0);
    expect([outbox.size, outbox.urgent]).toEqual([3, 3]);
    expect([take(), close()]).toEqual([[1, 2, 3], 2]);
    outbox.acknowledge(2);
    outbox.push(eventOf(4, { lazy: true }));
    expect([outbox.size, outbox.urgent]).toEqual([1, 0]);
    outbox.acknowledge(0);
    expect(outbox.size).toBe(1);
  });

  it('takes a batch cut short for what it brought, not for what an earlier one brought that was lost', () => {
    const { outbox, take, close } = filled(1, 2, 3, 4);
    expect([take(), close()]).toEqual([[1, 2, 3, 4], 1]);
    outbox.acknowledge(0);
    expect([take(2), close()]).toEqual([[1, 2], 2]);
    outbox.acknowledge(2);
    expect(take()).toEqual([3, 4]);
  });

  it('believes a client that saw an earlier batch which brought more', () => {
    const { outbox, take, close } = filled(1, 2, 3, 4);
    expect([take(), close()]).toEqual([[1, 2, 3, 4], 1]);
    outbox.acknowledge(0);
    expect([take(2), close()]).toEqual([[1, 2], 2]);
    outbox.acknowledge(1);
    expect(outbox.size).toBe(0);
  });

  it('goes on knowing that, when it is told twice', () => {
    const { outbox, take, close } = filled(1, 2, 3, 4);
    expect([take(), close()]).toEqual([[1, 2, 3, 4], 1]);
    outbox.acknowledge(0);
    expect([take(1), close()]).toEqual([[1], 2]);
    outbox.acknowledge(2);
    outbox.acknowledge(2);
    expect(take()).toEqual([2, 3, 4]);
  });

  it('takes a batch that could carry nothing for nothing, though events were sent before it', () => {
    const { outbox, take, close } = filled(1, 2);
    expect([take(), close(), close()]).toEqual([[1, 2], 1, 2]);
    outbox.acknowledge(2);
    expect(take()).toEqual([1, 2]);
  });

  it('takes a batch that began in the middle for nothing: what came before it may be lost', () => {
    const { outbox, push, take, close } = filled(1);
    expect([take(), close()]).toEqual([[1], 1]);
    push(2);
    expect([take(), close()]).toEqual([[2], 2]);
    outbox.acknowledge(2);
    expect(take()).toEqual([1, 2]);
  });

  it('clamps what was never closed, and lets nothing go that was never sent (AK-6)', () => {
    const { outbox, push, take, close } = filled(1);
    expect([take(), close()]).toEqual([[1], 1]);
    push(2);
    outbox.acknowledge(1e300);
    expect(take()).toEqual([2]);
    const fresh = filled(1);
    fresh.outbox.acknowledge(5);
    expect(fresh.take()).toEqual([1]);
  });

  it('does not double what is put back after a connect put it back already', () => {
    const { outbox, take, close } = filled(1, 2);
    const sent = outbox.take(1000, 10);
    close();
    outbox.acknowledge(0);
    outbox.putBack(sent);
    expect(take()).toEqual([1, 2]);
  });

  it('skips nothing where only the later part comes back', () => {
    const { outbox, take } = filled(1, 2);
    take(1);
    const sent = outbox.take(1000, 1);
    outbox.acknowledge(0);
    outbox.putBack(sent);
    expect(take()).toEqual([1, 2]);
  });

  it('lets go of what was put back, when the client turns out to have it', () => {
    const { outbox, close } = filled(1, 2);
    const sent = outbox.take(1000, 10);
    close();
    outbox.putBack(sent);
    outbox.acknowledge(1);
    expect(outbox.size).toBe(0);
    outbox.putBack(sent);
    expect(outbox.size).toBe(0);
  });

  it('keeps no volatile event, and counts its bytes no longer', () => {
    const { bytes } = eventOf(1);
    const outbox = make({ ...roomy, maxQueueBytes: 3 * bytes });
    for (const volatile of [false, true, false]) outbox.push(eventOf(1, { volatile }));
    expect(outbox.push(eventOf(2))).toBe('full');
    expect(outbox.take(1000, 10)).toHaveLength(3);
    expect([outbox.size, outbox.urgent]).toEqual([0, 0]);
    expect(outbox.push(eventOf(2))).toBe('kept');
    outbox.acknowledge(0);
    expect(outbox.size).toBe(3);
  });

  it('counts what was sent against its limits, and says that it must close (AK-9)', () => {
    const told: unknown[] = [];
    const outbox = make({
      ...roomy,
      maxQueue: 2,
      onOverflow: 'dropOldest',
      overflow: (_dropped, _event, action) => told.push(action),
    });
    outbox.push(eventOf(1));
    outbox.push(eventOf(2));
    outbox.take(1000, 10);
    expect([outbox.push(eventOf(3)), told]).toEqual(['full', ['disconnect']]);
  });

  it('remembers little of a client that never acknowledges: the last hundred batches', () => {
    const { outbox, push, take, close } = filled(1, 2, 3);
    for (let at = 0; at < 301; at += 1) {
      outbox.acknowledge(0);
      take(1 + (at % 3));
      close();
    }
    // No batch brought as many as the one before it, so each would have to be remembered.
    outbox.acknowledge(200);
    expect(outbox.size).toBe(3);
    push(4);
    expect(take()).toEqual([1, 2, 3, 4]);
    outbox.acknowledge(300);
    expect(take()).toEqual([4]);
  });
});

describe('an acked outbox that overflows', () => {
  const gapsIn = (signed: { readonly ext?: Readonly<Record<string, unknown>> }) => signed.ext?.gap;
  const gap = (count: number) => ({ '/abc': { count } });

  /** As above, with events of a rule. */
  function ruled(overflow: OverflowRule, limits: Partial<Limits> = {}) {
    const outbox = make({ ...roomy, ...limits });
    const push = (...data: readonly unknown[]) => data.map((one) => outbox.push(eventOf(one, { overflow })));
    const take = (bytes = Number.POSITIVE_INFINITY) =>
      outbox
        .take(bytes, Number.POSITIVE_INFINITY)
        .map((event) =>
          event.gap === undefined ? event.message.data : [event.message.data, event.gap.count],
        );
    const close = () => outbox.sign(reply, all);
    return { outbox, push, take, close };
  }

  it('drops only what was never sent', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropOldest', maxEvents: 2 });
    push(1, 2);
    expect([take(), close().ext]).toEqual([[1, 2], { ack: 1 }]);
    expect(push(3, 4, 5)).toEqual(['kept', 'kept', 'kept']);
    outbox.acknowledge(0);
    expect([outbox.size, take(), close().ext]).toEqual([4, [1, 2, [4, 1], 5], { ack: 2 }]);
    outbox.acknowledge(1);
    expect([take(), close().ext]).toEqual([[[4, 1], 5], { ack: 3 }]);
    outbox.acknowledge(3);
    expect(outbox.size).toBe(0);
  });

  it('conflates only what was never sent', () => {
    const { outbox, push, take, close } = ruled({ action: 'conflate', key: '' });
    push('x');
    take();
    close();
    push('y', 'x', 'y', 'x');
    outbox.acknowledge(0);
    expect(take()).toEqual(['x', 'y', 'x']);
  });

  it('gives what fits, and leaves the rest to the next reply', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropOldest' });
    const bytes = eventOf(1).bytes + 1;
    push(1, 2);
    expect(take(bytes)).toEqual([1]);
    close();
    outbox.acknowledge(0);
    expect(take(2 * bytes - 1)).toEqual([1]);
    outbox.acknowledge(0);
    expect(take(2 * bytes)).toEqual([1, 2]);
    push(3);
    outbox.acknowledge(0);
    expect(outbox.take(1000, 1)).toHaveLength(1);
    expect(outbox.take(1000, 0)).toEqual([]);
    expect(take(1)).toEqual([2]);
    expect(take(1)).toEqual([3]);
  });

  it('tells with a connect reply of what no event is left to tell of, until one that told is acknowledged', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropNewest', maxEvents: 1 });
    push(1, 2);
    expect([take(), gapsIn(close())]).toEqual([[1], gap(1)]);
    outbox.acknowledge(0);
    push(3, 4);
    expect([take(), gapsIn(close())]).toEqual([[1, 3], gap(2)]);
    outbox.acknowledge(1);
    expect([take(), gapsIn(close())]).toEqual([[3], gap(1)]);
    outbox.acknowledge(3);
    expect([take(), gapsIn(close())]).toEqual([[], undefined]);
  });

  it('tells of none while events wait that went before it and came back', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropNewest', maxEvents: 1 });
    push(1, 2);
    outbox.putBack(outbox.take(1000, 10));
    expect(gapsIn(close())).toBeUndefined();
    expect([take(), gapsIn(close())]).toEqual([[1], gap(1)]);
  });

  it('tells of none while events wait, and of none with a handshake', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropNewest', maxEvents: 2 });
    push(1, 2, 3);
    const shaken = outbox.sign({ channel: '/meta/handshake', successful: true }, all);
    expect(shaken.ext).toEqual({ ack: { enabled: true, batch: 1 } });
    expect([take(eventOf(1).bytes), gapsIn(close())]).toEqual([[1], undefined]);
    outbox.acknowledge(2);
    expect([take(), gapsIn(close())]).toEqual([[2], gap(1)]);
  });

  it('goes on telling, in little room, where nobody ever acknowledges', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropNewest', maxEvents: 1 });
    let last: unknown;
    for (let at = 0; at < 500; at += 1) {
      push(at, at);
      take();
      last = gapsIn(close());
      outbox.acknowledge(0);
    }
    expect(last).toEqual(gap(500));
    // Which of so many replies told of what is no longer known one by one.
    outbox.acknowledge(1);
    expect(gapsIn(close())).toEqual(gap(500));
    outbox.acknowledge(500);
    expect(gapsIn(close())).toBeUndefined();
  });

  it('lets no volatile event tell of a gap', () => {
    const { outbox, push, take, close } = ruled({ action: 'dropNewest', maxEvents: 2 });
    push(1, 2, 3);
    outbox.take(1, 1);
    for (const data of [4, 5]) outbox.push(eventOf(data, { volatile: true }));
    expect(take()).toEqual([2, 4, 5]);
    expect(close().ext?.gap).toEqual({ '/abc': { count: 1 } });
    outbox.acknowledge(0);
    expect(take()).toEqual([1, 2]);
  });

  it('counts nothing that comes from history, sent or not (RP-10)', () => {
    const { outbox, take, close, push } = ruled({ action: 'disconnect' }, { maxQueue: 2 });
    for (const data of [1, 2, 3]) outbox.push(eventOf(data, { replayed: true }));
    expect([take(), push(4, 5, 6)]).toEqual([
      [1, 2, 3],
      ['kept', 'kept', 'full'],
    ]);
    outbox.acknowledge(Number(close().ext?.ack));
    expect(outbox.push(eventOf(7))).toBe('full');
  });

  it('ends the session where what was sent fills it, whatever the rule says (AK-9)', () => {
    for (const action of ['dropOldest', 'dropNewest', 'conflate'] as const) {
      const told: unknown[] = [];
      const overflow: Limits['overflow'] = (_dropped, _event, action) => told.push(action);
      const { push, take } = ruled(
        { action, ...(action === 'conflate' && { key: '' }) },
        { maxQueue: 2, onOverflow: 'dropOldest', overflow },
      );
      push(1, 2);
      take();
      expect([push(3), told]).toEqual([['full'], ['disconnect']]);
    }
  });

  it('brings and tells of all that was published, whatever is lost', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({
        do: fc.constant('connect' as const),
        count: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 4 })),
        lost: fc.boolean(),
      }),
    );
    const action = fc.constantFrom('dropOldest' as const, 'dropNewest' as const);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), action, (steps, how) => {
        const { outbox, push } = ruled({ action: how, maxEvents: 2 });
        let [published, seen, told, latest] = [0, 0, 0, 0];
        const got = new Set<number>();
        const connect = (count: number, isLost: boolean) => {
          outbox.acknowledge(seen);
          const events = outbox.take(Number.POSITIVE_INFINITY, count);
          const signed = outbox.sign(reply, all);
          if (isLost) return;
          seen = Number(signed.ext?.ack);
          for (const event of events) {
            const data = Number(event.message.data);
            expect(data).toBeGreaterThan(latest);
            latest = data;
            got.add(data);
            told += event.gap?.count ?? 0;
          }
          const gaps = new Map(Object.entries<Gap>(Object(gapsIn(signed))));
          told += gaps.get('/abc')?.count ?? 0;
          expect(got.size + told).toBeLessThanOrEqual(published);
          expect(got.size + told).toBeGreaterThanOrEqual(latest);
        };
        for (const one of steps) {
          if (one.do === 'connect') connect(one.count, one.lost);
          else
            for (let at = 0; at < one.count; at += 1) {
              published += 1;
              push(published);
            }
        }
        connect(Number.POSITIVE_INFINITY, false);
        expect(got.size + told).toBe(published);
      }),
      { numRuns: 2000 },
    );
  });
});
