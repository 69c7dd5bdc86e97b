import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChannelIndex } from '../../src/channels/channel-index.ts';

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
// Names and patterns along one long path, some of which turn off it.
const along = (ends: readonly string[]) =>
  fc
    .tuple(fc.nat({ max: 15 }), fc.constantFrom(...ends))
    .map(([segments, end]) => `${'/a'.repeat(segments)}/${end}`);
const stepOf = (pattern: fc.Arbitrary<string>, channel: fc.Arbitrary<string>) =>
  fc.record({
    act: fc.constantFrom('add', 'add', 'remove', 'match'),
    pattern,
    channel,
    who: fc.nat({ max: 4 }),
  });

describe('ChannelIndex', () => {
  it.each([
    ['of all kinds', stepOf(pattern, channel)],
    ['along one long path', stepOf(along(['a', 'b', '*', '**']), along(['a', 'b']))],
  ])('finds of names %s what a plain list finds, each once, and ends as empty as it began', (_, step) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const index = new ChannelIndex<Subscriber>();
        const all = ['p', 'q', 'r', 's', 't'].map(subscriber);
        const model = new Map<string, Set<Subscriber>>();
        for (const { act, pattern, channel, who } of steps) {
          const one = all[who];
          if (one === undefined) continue;
          const there = model.get(pattern) ?? new Set();
          if (act === 'add') {
            expect(index.add(pattern, one) !== undefined).toBe(!there.has(one));
            model.set(pattern, there.add(one));
          } else if (act === 'remove') expect(index.remove(pattern, one)).toBe(there.delete(one));
          const expected = new Set(
            [...model].flatMap(([key, set]) => (matches(key, channel) ? [...set] : [])),
          );
          expect(names(index.match(channel))).toEqual(names([...expected]));
          expect(index.has(pattern)).toBe((model.get(pattern)?.size ?? 0) > 0);
        }
        for (const [key, set] of model) for (const one of set) index.remove(key, one);
        expect([index.size, index.bytes]).toEqual([0, 0]);
        expect(index.match('/a')).toEqual([]);
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
    const index = new ChannelIndex<Subscriber>();
    index.add(pattern, subscriber('x'));
    for (const channel of some) expect([channel, index.match(channel).length]).toEqual([channel, 1]);
    for (const channel of others) expect([channel, index.match(channel).length]).toEqual([channel, 0]);
  });

  it('finds a subscriber once, however many of its patterns match (DL-1)', () => {
    const index = new ChannelIndex<Subscriber>();
    const one = subscriber('x');
    for (const pattern of ['/a/b/c', '/a/b/*', '/a/b/**', '/a/**', '/**']) index.add(pattern, one);
    expect(index.match('/a/b/c')).toEqual([one]);
  });

  it('keeps one text for all who subscribe to a pattern', () => {
    const index = new ChannelIndex<Subscriber>();
    const [one, two] = [subscriber('x'), subscriber('y')];
    expect([index.add('/a/**', one), index.add('/a/**', one), index.add('/a/**', two)]).toEqual([
      '/a/**',
      undefined,
      '/a/**',
    ]);
  });

  it('keeps nothing for channels that were only asked about (CH-10)', () => {
    const index = new ChannelIndex<Subscriber>();
    index.add('/a', subscriber('x'));
    for (let at = 0; at < 1000; at += 1) index.match(`/nobody/${at}`);
    expect(index.size).toBe(1);
  });

  it('answers from the subscriptions of now, though it remembers', () => {
    const index = new ChannelIndex<Subscriber>();
    const [one, two] = [subscriber('x'), subscriber('y')];
    index.add('/a', one);
    const before = index.match('/a');
    index.add('/**', two);
    expect(names(index.match('/a'))).toEqual(['x', 'y']);
    index.remove('/a', one);
    expect(names(index.match('/a'))).toEqual(['y']);
    expect(before).toEqual([one]);
  });

  it('lets two indexes hold the same subscriber', () => {
    const one = subscriber('x');
    const indexes = [new ChannelIndex<Subscriber>(), new ChannelIndex<Subscriber>()];
    for (const index of indexes) index.add('/a', one);
    for (const index of indexes) expect(index.match('/a')).toEqual([one]);
  });
});
