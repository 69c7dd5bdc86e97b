import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChannelTree } from '../../src/core/channels/channel-tree.ts';

interface Subscriber {
  readonly name: string;
  stamp: number;
}

const subscriber = (name: string): Subscriber => ({ name, stamp: 0 });
const names = (found: readonly Subscriber[]): string[] => found.map(({ name }) => name).sort();

// CH-3, word by word.
function matches(pattern: string, channel: string): boolean {
  const wanted = pattern.split('/').slice(1);
  const given = channel.split('/').slice(1);
  const last = wanted.at(-1);
  if (last !== '*' && last !== '**') return pattern === channel;
  const stem = wanted.slice(0, -1);
  if (!stem.every((segment, at) => given[at] === segment)) return false;
  const rest = given.length - stem.length;
  return last === '*' ? rest === 1 : rest >= 1;
}

const segment = fc.constantFrom('a', 'b', '__proto__', 'constructor');
const channel = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const pattern = fc.oneof(
  channel,
  fc
    .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('*', '**'))
    .map(([segments, last]) => `/${[...segments, last].join('/')}`),
);
const step = fc.record({
  act: fc.constantFrom('add', 'add', 'remove', 'match'),
  pattern,
  channel,
  who: fc.nat({ max: 4 }),
});

describe('ChannelTree', () => {
  it('finds what a plain list finds, each once, and ends as empty as it began', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const tree = new ChannelTree<Subscriber>();
        const all = ['p', 'q', 'r', 's', 't'].map(subscriber);
        const model = new Map<string, Set<Subscriber>>();
        for (const { act, pattern, channel, who } of steps) {
          const one = all[who];
          if (one === undefined) continue;
          const there = model.get(pattern) ?? new Set();
          if (act === 'add') {
            expect(tree.add(pattern, one)).toBe(!there.has(one));
            model.set(pattern, there.add(one));
          } else if (act === 'remove') expect(tree.remove(pattern, one)).toBe(there.delete(one));
          const expected = new Set(
            [...model].flatMap(([key, set]) => (matches(key, channel) ? [...set] : [])),
          );
          expect(names(tree.match(channel))).toEqual(names([...expected]));
          expect(tree.has(pattern)).toBe((model.get(pattern)?.size ?? 0) > 0);
        }
        for (const [key, set] of model) for (const one of set) tree.remove(key, one);
        expect(tree.nodes).toBe(0);
        expect(tree.match('/a')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['/a/*', ['/a/b'], ['/a', '/a/b/c', '/b/a']],
    ['/a/**', ['/a/b', '/a/b/c'], ['/a', '/b/a/c']],
    ['/*', ['/a'], ['/a/b']],
    ['/**', ['/a', '/a/b/c'], []],
    ['/a/b', ['/a/b'], ['/a', '/a/b/c', '/A/b']],
  ])('%s matches %j and not %j (CH-3)', (pattern, some, others) => {
    const tree = new ChannelTree<Subscriber>();
    tree.add(pattern, subscriber('x'));
    for (const channel of some) expect([channel, tree.match(channel).length]).toEqual([channel, 1]);
    for (const channel of others) expect([channel, tree.match(channel).length]).toEqual([channel, 0]);
  });

  it('finds a subscriber once, however many of its patterns match (DL-1)', () => {
    const tree = new ChannelTree<Subscriber>();
    const one = subscriber('x');
    for (const pattern of ['/a/b/c', '/a/b/*', '/a/b/**', '/a/**', '/**']) tree.add(pattern, one);
    expect(tree.match('/a/b/c')).toEqual([one]);
  });

  it('keeps no node for channels that were only asked about (CH-10)', () => {
    const tree = new ChannelTree<Subscriber>();
    tree.add('/a', subscriber('x'));
    for (let at = 0; at < 1000; at += 1) tree.match(`/nobody/${at}`);
    expect(tree.nodes).toBe(1);
  });

  it('answers from the subscriptions of now, though it remembers', () => {
    const tree = new ChannelTree<Subscriber>();
    const [one, two] = [subscriber('x'), subscriber('y')];
    tree.add('/a', one);
    const before = tree.match('/a');
    tree.add('/**', two);
    expect(names(tree.match('/a'))).toEqual(['x', 'y']);
    tree.remove('/a', one);
    expect(names(tree.match('/a'))).toEqual(['y']);
    expect(before).toEqual([one]);
  });

  it('lets two trees hold the same subscriber', () => {
    const one = subscriber('x');
    const trees = [new ChannelTree<Subscriber>(), new ChannelTree<Subscriber>()];
    for (const tree of trees) tree.add('/a', one);
    for (const tree of trees) expect(tree.match('/a')).toEqual([one]);
  });
});
