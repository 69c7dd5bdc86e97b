import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelRule } from '../../src/channel-rule-table.ts';
import { ChannelIndex } from '../../src/channels/channel-index.ts';
import { configOf, readOptions } from '../../src/server-options.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';
import type { ChannelRules } from '../../src/channels/channel-rules.ts';
import { silent } from '../../src/lib/log.ts';
import { UsageError } from '../../src/lib/usage-error.ts';
import { featuresOf, serverFeatures } from '../../src/server-features.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

function rulesOf(
  channels: NonNullable<ServerOptions['channels']>,
  replay: ServerOptions['replay'] = {},
): ChannelRules<ChannelRule> {
  return configOf({ channels, replay }).rules;
}

describe('channel rules', () => {
  it('are none for a channel nothing matches', () => {
    expect(rulesOf({}).of('/a')).toEqual({});
    expect(rulesOf({ '/b/*': { lazy: true } }).of('/a')).toEqual({});
    expect(rulesOf({ '/b/*': { lazy: true } }).of('/b')).toEqual({});
    expect(rulesOf({ '/b/*': { lazy: true } }).of('/b/a/a')).toEqual({});
    expect(rulesOf({ '/b/a': { lazy: true } }).of('/b')).toEqual({});
  });

  it('come from the most specific pattern, key by key, whatever their order', () => {
    const rules = {
      '/a/b': { lazy: 1 },
      '/a/*': { lazy: 2 },
      '/a/**': { lazy: 3, broadcastToPublisher: false },
      '/*': { lazy: 4 },
      '/**': { lazy: 5, broadcastToPublisher: true },
    };
    for (const entries of [Object.entries(rules), Object.entries(rules).reverse()]) {
      const found = rulesOf(Object.fromEntries(entries));
      expect(found.of('/a/b')).toEqual({ lazy: 1, broadcastToPublisher: false });
      expect(found.of('/a/c')).toEqual({ lazy: 2, broadcastToPublisher: false });
      expect(found.of('/a/c/d')).toEqual({ lazy: 3, broadcastToPublisher: false });
      expect(found.of('/a/b/d')).toEqual({ lazy: 3, broadcastToPublisher: false });
      expect(found.of('/x')).toEqual({ lazy: 4, broadcastToPublisher: true });
      expect(found.of('/a')).toEqual({ lazy: 4, broadcastToPublisher: true });
      expect(found.of('/x/y')).toEqual({ lazy: 5, broadcastToPublisher: true });
    }
  });

  it('match as subscriptions do', () => {
    const segments = fc.array(fc.constantFrom('a', 'b', 'constructor'), { minLength: 1, maxLength: 4 });
    const pattern = fc
      .tuple(segments, fc.constantFrom('', '/*', '/**'))
      .map(([names, end]) => `/${names.join('/')}${end}`);
    const patterns = fc.uniqueArray(fc.oneof(pattern, fc.constantFrom('/*', '/**')), { maxLength: 12 });
    fc.assert(
      fc.property(patterns, segments, (given, names) => {
        const channel = `/${names.join('/')}`;
        const index = new ChannelIndex<{ stamp: number; pattern: string }>();
        for (const pattern of given) index.add(pattern, { stamp: 0, pattern });
        const rules = rulesOf(Object.fromEntries(given.map((pattern) => [pattern, { lazy: rank(pattern) }])));
        const ranks = index.match(channel).map(({ pattern }) => rank(pattern));
        expect(rules.of(channel).lazy).toBe(ranks.length === 0 ? undefined : Math.max(...ranks));
      }),
      { numRuns: 2_000 },
    );
  });

  it('are not hidden by a key that is there and unset', () => {
    expect(rulesOf({ '/**': { lazy: true }, '/a': { lazy: undefined } }).of('/a')).toEqual({ lazy: true });
  });

  it('know channels with the names of the objects they are kept in (CH-9)', () => {
    const rules = rulesOf({ '/constructor': { lazy: true }, '/__proto__/*': { lazy: 3 } });
    expect(rules.of('/constructor')).toEqual({ lazy: true });
    expect(rules.of('/__proto__/a')).toEqual({ lazy: 3 });
    expect(rules.of('/toString')).toEqual({});
    expect(rules.of('/__proto__')).toEqual({});
  });

  it('are one object wherever the same rules match, so that a channel leaves nothing behind (CH-10)', () => {
    const overflow = { action: 'dropOldest', maxEvents: 5 } as const;
    const rules = rulesOf({ '/**': { overflow }, '/a/**': { lazy: true }, '/a/b': { lazy: false } });
    expect(rules.of('/x')).toBe(rules.of('/y/z'));
    expect(rules.of('/a/x')).toBe(rules.of('/a/y/z'));
    expect(rules.of('/a/b')).toBe(rules.of('/a/b'));
    expect(rules.of('/a/b').overflow).toBe(rules.of('/x').overflow);
    expect(rules.of('/x')).toEqual({ overflow });
    expect(Object.isFrozen(rules.of('/a/b'))).toBe(true);
  });

  it('keep of a durable channel what they say, and for the rest what the server says (RP-14)', () => {
    const rules = rulesOf(
      {
        '/all/**': { history: true },
        '/few/**': { history: { maxEvents: 3 } },
        '/short/**': { history: { maxAge: 4 } },
        '/few/never': { history: false },
      },
      { maxEvents: 11, maxAge: 12 },
    );
    expect(rules.of('/all/a').history).toEqual({ maxEvents: 11, maxAge: 12 });
    expect(rules.of('/few/a').history).toEqual({ maxEvents: 3, maxAge: 12 });
    expect(rules.of('/short/a').history).toEqual({ maxEvents: 11, maxAge: 4 });
    expect(rules.of('/few/never').history).toBe(false);
    expect(rules.of('/other').history).toBeUndefined();
  });

  it('make a history only where some channel may be durable', () => {
    const isThere = (channels: NonNullable<ServerOptions['channels']>) => {
      const parts = { ...configOf({ channels }), clock: new FakeClock(), log: silent };
      return featuresOf(serverFeatures, parts).some(({ name }) => name === 'history');
    };
    expect(isThere({})).toBe(false);
    expect(isThere({ '/**': { lazy: true }, '/a': { history: false } })).toBe(false);
    expect(isThere({ '/a': { history: true } })).toBe(true);
  });

  it.each([
    [
      { '/a': { overflow: { action: 'conflate' } } },
      'channels["/a"].overflow.key is missing: "conflate" needs to know of what it keeps the newest event, like /symbol',
    ],
    [
      { '/a': { overflow: { action: 'dropOldest', key: '/a' } } },
      'channels["/a"].overflow.key is for the action "conflate" alone, not for "dropOldest": leave it out',
    ],
    [{ '/meta/**': { lazy: true } }, 'channels has "/meta/**", to which nothing can be published'],
    [
      { '/service/a': { schema: true, history: true } },
      'channels["/service/a"].history has no effect: events on a service channel go to the server only; leave it out',
    ],
  ])('that contradict themselves are refused: %j', (channels, message) => {
    expect(() => readOptions({ channels })).toThrow(new UsageError(message));
  });

  it('may be without bounds', () => {
    const overflow = { action: 'conflate', key: '' } as const;
    expect(rulesOf({ '/a': { overflow } }).of('/a').overflow).toEqual(overflow);
    expect(rulesOf({ '/a': { overflow: { action: 'dropNewest' } } }).of('/a')).toEqual({
      overflow: { action: 'dropNewest' },
    });
  });
});

/** The place of a pattern among those that match one channel: longer above shorter, a name above `*` above `**`. */
function rank(pattern: string): number {
  const segments = pattern.split('/');
  const last = segments.at(-1);
  return 3 * segments.length + ['**', '*', last].indexOf(last);
}
