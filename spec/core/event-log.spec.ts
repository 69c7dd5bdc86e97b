import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChannelNames, matcher } from '../../src/core/channels/channel-names.ts';
import { EventLog } from '../../src/core/history/event-log.ts';
import { merge } from '../../src/core/history/merge.ts';

const event = (id: number) => ({ id, channel: '/a', at: 0, json: '' });

describe('a log of events', () => {
  it('does as a list would', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat({ max: 100 }) }) },
      { weight: 1, arbitrary: fc.record({ shift: fc.constant(true) }) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 300, size: 'max' }),
        fc.nat({ max: 300 }),
        fc.nat({ max: 20 }),
        (steps, after, limit) => {
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
          const above = list.filter((id) => id > after);
          expect(log.above(after, limit).map(({ id }) => id)).toEqual(above.slice(0, limit));
        },
      ),
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

describe('merging logs', () => {
  it('gives what sorting all of it would', () => {
    const owners = fc.array(fc.nat({ max: 12 }), { maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(owners, fc.nat({ max: 200 }), fc.nat({ max: 50 }), fc.nat(), (of, after, limit, hole) => {
        const logs = new Map<number, EventLog>();
        for (const [at, owner] of of.entries()) {
          const log = logs.get(owner) ?? new EventLog();
          log.push(event(at + 1));
          logs.set(owner, log);
        }
        const removed = of.length === 0 ? 0 : (hole % of.length) + 1;
        for (const log of logs.values()) log.remove(removed);
        const expected = of.map((_, at) => at + 1).filter((id) => id > after && id !== removed);
        expect(merge(logs.values(), after, limit).map(({ id }) => id)).toEqual(expected.slice(0, limit));
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

  it('are found by what matches them, and leave nothing when they go', () => {
    const step = fc.record({ name, gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), pattern, (steps, asked) => {
        const names = new ChannelNames<string>();
        const known = new Set<string>();
        for (const one of steps) {
          if (one.gone) names.delete(one.name);
          else names.set(one.name, one.name);
          if (one.gone) known.delete(one.name);
          else known.add(one.name);
        }
        const matches = matcher(asked);
        expect(names.matching(asked).sort()).toEqual([...known].filter(matches).sort());
        expect([names.size, [...names.values()].sort()]).toEqual([known.size, [...known].sort()]);
        for (const one of known) names.delete(one);
        expect([names.nodes, names.size, names.matching('/**')]).toEqual([0, 0, []]);
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
