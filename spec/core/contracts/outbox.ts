import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import type { OutboxLimits, OutboxOwner } from '../../../src/core/delivery/limits.ts';
import type { Outbox } from '../../../src/ports/outbox.ts';
import { PlainOutbox } from '../../../src/core/delivery/plain-outbox.ts';
import { SharedRuns } from '../../../src/core/delivery/shared-runs.ts';
import { type Handling, OutgoingEvent } from '../../../src/ports/outgoing-event.ts';

/** An event with some number in it; 27 bytes for a number of one digit. */
export const eventOf = (data: unknown, how: Handling = {}): OutgoingEvent =>
  new OutgoingEvent({ channel: '/abc', data }, how);

const dataOf = (events: readonly OutgoingEvent[]): unknown[] => events.map(({ message }) => message.data);
const all = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/** The limits of an outbox, and what its owner does. */
export type Limits = OutboxLimits & Omit<OutboxOwner, 'session'>;

/** Limits that nothing here reaches, but where a spec says otherwise. */
export const roomy: Limits = {
  maxQueue: 1000,
  maxQueueBytes: 1_000_000,
  onOverflow: 'disconnect',
  overflow: () => {},
  flushEarly: () => {},
  now: () => 0,
  runs: new SharedRuns(systemClock),
};

/** A plain outbox with these limits. */
export const plainOutbox = (limits: Limits): PlainOutbox =>
  new PlainOutbox(limits, {
    ...limits,
    get session(): never {
      throw new Error('this outbox has no session');
    },
  });

/** What every outbox keeps to. `make` gives an empty one within limits; `arrived` lets it forget what it gave. */
export function outboxContract<Kind extends Outbox>(
  name: string,
  make: (limits: Limits) => Kind,
  arrived: (outbox: Kind) => void = () => {},
): void {
  describe(`${name} outbox`, () => {
    const filled = (limits: Limits, ...data: unknown[]): Kind => {
      const outbox = make(limits);
      for (const one of data) outbox.push(eventOf(one));
      return outbox;
    };

    it('is first in, first out', () => {
      const outbox = filled(roomy, 1, 2, 3);
      expect([outbox.size, outbox.urgent, outbox.bytes]).toEqual([3, 3, 3 * eventOf(1).bytes]);
      expect(dataOf(outbox.take(...all))).toEqual([1, 2, 3]);
      expect([outbox.size, outbox.urgent, outbox.bytes, outbox.take(...all)]).toEqual([0, 0, 0, []]);
    });

    it('gives within both limits, and at least one (DL-11)', () => {
      const outbox = filled(roomy, 1, 2, 3, 'x'.repeat(100), 4);
      // With a comma.
      const bytes = eventOf(1).bytes + 1;
      expect([outbox.take(2 * bytes, 0), outbox.size]).toEqual([[], 5]);
      expect(dataOf(outbox.take(2 * bytes - 1, 10))).toEqual([1]);
      expect(dataOf(outbox.take(2 * bytes, 10))).toEqual([2, 3]);
      expect(dataOf(outbox.take(1, 10, 0))).toEqual([]);
      expect(dataOf(outbox.take(1, 10))).toEqual(['x'.repeat(100)]);
      outbox.push(eventOf(5));
      expect(dataOf(outbox.take(1000, 1))).toEqual([4]);
      expect(dataOf(outbox.take(1000, 10))).toEqual([5]);
    });

    it('has a gap without a count to report once anything may be missing, also where others were dropped', () => {
      const outbox = filled(roomy, 1);
      outbox.missed();
      outbox.missed();
      const reply = { channel: '/meta/connect', successful: true };
      outbox.take(...all);
      const signed = outbox.sign?.(reply, 1000);
      const gaps = outbox.hasGaps ? outbox.takeGaps(1000) : new Map();
      expect(signed?.ext?.gap ?? Object.fromEntries(gaps)).toEqual({ '/**': {} });
      arrived(outbox);
      expect(outbox.hasGaps).toBe(false);
    });

    it('takes back to the head what it gave, in order, and that presses (DL-8)', () => {
      const outbox = make(roomy);
      outbox.push(eventOf(1, { lazy: true }));
      outbox.push(eventOf(2, { lazy: true }));
      const taken = outbox.take(...all);
      outbox.push(eventOf(3, { lazy: true }));
      outbox.putBack(taken);
      expect([outbox.size, outbox.urgent]).toEqual([3, 2]);
      expect(dataOf(outbox.take(1, 10))).toEqual([1]);
      expect(outbox.urgent).toBe(1);
      expect(dataOf(outbox.take(1, 10))).toEqual([2]);
      expect(outbox.urgent).toBe(0);
      expect(dataOf(outbox.take(...all))).toEqual([3]);
    });

    it('knows which of them came back, after others left and came back in their turn', () => {
      const outbox = make(roomy);
      for (const data of [1, 2, 3, 4, 5]) outbox.push(eventOf(data, { lazy: true }));
      outbox.putBack(outbox.take(1000, 2));
      outbox.take(1000, 1);
      outbox.putBack(outbox.take(1000, 1));
      expect([outbox.size, outbox.urgent]).toEqual([4, 1]);
      outbox.take(1000, 2);
      expect([outbox.size, outbox.urgent]).toEqual([2, 0]);
    });

    it('counts what is worth waking for', () => {
      const outbox = make(roomy);
      outbox.push(eventOf(1, { lazy: true }));
      expect([outbox.size, outbox.urgent]).toEqual([1, 0]);
      outbox.push(eventOf(2));
      expect([outbox.size, outbox.urgent]).toEqual([2, 1]);
    });

    it('is full when one more does not fit, and says so (DL-10)', () => {
      const told: unknown[] = [];
      const overflow: Limits['overflow'] = (dropped, event, action) => {
        told.push(dropped.message.data, event.message.data, action);
      };
      const outbox = filled({ ...roomy, maxQueue: 2, overflow }, 1, 2);
      expect([outbox.push(eventOf(3)), outbox.size, told]).toEqual(['full', 2, [3, 3, 'disconnect']]);
    });

    it('counts bytes as well, and frees them', () => {
      const { bytes } = eventOf(1);
      const outbox = filled({ ...roomy, maxQueueBytes: 2 * bytes }, 1, 2);
      expect(outbox.push(eventOf(3))).toBe('full');
      outbox.take(1, 1);
      arrived(outbox);
      expect(outbox.push(eventOf(3))).toBe('kept');
    });

    it('does as a plain array does, at random', () => {
      const step = fc.oneof(
        fc.record({ do: fc.constant('push' as const), lazy: fc.boolean() }),
        fc.record({
          do: fc.constant('take' as const),
          count: fc.integer({ min: 1, max: 5 }),
          back: fc.boolean(),
        }),
      );
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
          const outbox = make(roomy);
          const model: { data: number; presses: boolean }[] = [];
          let next = 0;
          for (const one of steps) {
            if (one.do === 'push') {
              next += 1;
              outbox.push(eventOf(next, { lazy: one.lazy }));
              model.push({ data: next, presses: !one.lazy });
            } else {
              const taken = outbox.take(Number.POSITIVE_INFINITY, one.count);
              const expected = model.splice(0, one.count);
              expect(dataOf(taken)).toEqual(expected.map(({ data }) => data));
              if (one.back) {
                outbox.putBack(taken);
                model.unshift(...expected.map(({ data }) => ({ data, presses: true })));
              }
            }
            expect([outbox.size, outbox.urgent, outbox.bytes]).toEqual([
              model.length,
              model.filter(({ presses }) => presses).length,
              model.reduce((sum, { data }) => sum + eventOf(data).bytes, 0),
            ]);
          }
        }),
        { numRuns: 200 },
      );
    });
  });
}
