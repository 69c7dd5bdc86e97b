import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChannelEntry, ChannelNames, matcher } from '../../src/channels/channel-names.ts';
import { EventLog } from '../../src/features/history/event-log.ts';
import { EventQueue } from '../../src/features/history/event-queue.ts';
import { merge } from '../../src/features/history/merge.ts';

const event = (id: number) => ({ id, channel: '/a', at: 0, json: '' });

describe('a log of events', () => {
  it('does as a list would', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat({ max: 100 }) }) },
      { weight: 1, arbitrary: fc.record({ shift: fc.constant(true) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), fc.nat({ max: 300 }), (steps, after) => {
        const log = new EventLog();
        let list: number[] = [];
        let last = 0;
        for (const one of steps) {
          if ('push' in one) {
            last += one.push;
            log.push(event(last));
            list.push(last);
          } else {
            const id = 'remove' in one ? one.remove : (list[0] ?? -1);
            log.remove(id);
            list = list.filter((kept) => kept !== id);
          }
          expect([log.size, log.first?.id]).toEqual([list.length, list[0]]);
        }
        const first = log.at(log.seek(after));
        expect(first?.id).toEqual(list.find((id) => id > after));
      }),
    );
  });

  it('takes no room for what was removed', () => {
    const log = new EventLog();
    for (let id = 1; id <= 10_000; id += 1) {
      log.push(event(id));
      if (id > 2) log.remove(id - 1);
    }
    expect([log.size, log.first?.id]).toEqual([2, 1]);
    expect(log.end).toBeLessThan(100);
  });
});

describe('merging queues', () => {
  it('gives what sorting all of it would', () => {
    const owners = fc.array(fc.nat({ max: 12 }), { maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(owners, fc.nat({ max: 400 }), fc.nat({ max: 50 }), fc.nat(), (of, after, limit, gone) => {
        const queues = new Map<number, EventQueue>();
        for (const [at, owner] of of.entries()) {
          const queue = queues.get(owner) ?? new EventQueue();
          queue.push(event(at + 1));
          queues.set(owner, queue);
        }
        // The oldest of one of them.
        const owner = of[gone % of.length] ?? 0;
        const own = of.flatMap((one, at) => (one === owner ? [at + 1] : []));
        const removed = new Set(own.slice(0, gone % 200));
        for (const _ of removed) queues.get(owner)?.shift();
        expect(queues.get(owner)?.size ?? 0).toBe(own.length - removed.size);
        const expected = of.map((_, at) => at + 1).filter((id) => id > after && !removed.has(id));
        expect(merge(queues.values(), after, limit).map(({ id }) => id)).toEqual(expected.slice(0, limit));
        const left = own.filter((id) => id > after && !removed.has(id));
        expect((queues.get(owner)?.above(after, limit) ?? []).map(({ id }) => id)).toEqual(
          left.slice(0, limit),
        );
      }),
    );
  });
});

describe('channel names', () => {
  const segment = fc.constantFrom('a', 'b', 'constructor');
  const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((all) => `/${all.join('/')}`);
  const pattern = fc
    .tuple(fc.oneof(name, fc.constant('')), fc.constantFrom('', '/*', '/**'))
    .map(([above, last]) => (above + last === '' ? '/**' : above + last));

  // What is kept of a name, and up to where it was discarded; `id` counts on.
  const step = fc.record({ name, does: fc.constantFrom('keep', 'discard', 'discard', 'remove') });

  it('are found by what matches them, know what is kept of those, and leave nothing when they go', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), pattern, (steps, asked) => {
        const names = new ChannelNames<ChannelEntry>();
        const kept = new Map<string, number>();
        const discarded = new Map<string, number>();
        for (const [id, one] of steps.entries()) {
          const entry = names.get(one.name);
          if (one.does === 'remove') {
            if (entry !== undefined) names.delete(entry);
            kept.delete(one.name);
            discarded.delete(one.name);
            continue;
          }
          const there = entry ?? new ChannelEntry(one.name);
          if (entry === undefined) names.add(there);
          there.keepsFrom(id);
          kept.set(one.name, id);
          if (one.does === 'discard') {
            there.discards(id - 1);
            discarded.set(one.name, id - 1);
          }
        }
        const matches = matcher(asked);
        const known = [...kept.keys()].filter(matches);
        expect(
          names
            .matching(asked)
            .map((one) => one.name)
            .sort(),
        ).toEqual([...known].sort());
        expect([names.count(asked), names.size]).toEqual([known.length, kept.size]);
        const { oldest, discardedThrough } = names.range(asked);
        expect(oldest).toBe(Math.min(...known.map((one) => kept.get(one) ?? 0)));
        // A name that was removed may still count.
        expect(discardedThrough).toBeGreaterThanOrEqual(
          Math.max(-1, ...known.map((one) => discarded.get(one) ?? -1)),
        );
        const lowest = Math.min(...kept.values());
        expect(names.first?.oldest ?? Number.POSITIVE_INFINITY).toBe(lowest);
        for (const one of [...names.values()]) names.delete(one);
        expect([names.nodes, names.size, names.matching('/**')]).toEqual([0, 0, []]);
        expect(names.range('/**').oldest).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('match as the rules of channels say (CH-3)', () => {
    const matching = (asked: string) =>
      ['/a', '/a/b', '/a/b/c', '/a/b/c/d', '/ab', '/b'].filter(matcher(asked));
    expect(matching('/a')).toEqual(['/a']);
    expect(matching('/a/*')).toEqual(['/a/b']);
    expect(matching('/a/**')).toEqual(['/a/b', '/a/b/c', '/a/b/c/d']);
    expect(matching('/*')).toEqual(['/a', '/ab', '/b']);
  });
});
