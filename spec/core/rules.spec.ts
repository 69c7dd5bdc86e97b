import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../src/core/options.ts';
import { Rules } from '../../src/core/rules.ts';

const rulesOf = (
  channels: Record<string, { lazy?: boolean | number | undefined; broadcastToPublisher?: boolean }>,
) => new Rules(resolveOptions({ channels }).channels);

describe('channel rules', () => {
  it('are none for a channel nothing matches', () => {
    expect(rulesOf({}).of('/a')).toEqual({});
    expect(rulesOf({ '/b/*': { lazy: true } }).of('/a')).toEqual({});
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
      expect(found.of('/x')).toEqual({ lazy: 4, broadcastToPublisher: true });
      expect(found.of('/x/y')).toEqual({ lazy: 5, broadcastToPublisher: true });
    }
  });

  it('are not hidden by a key that is there and unset', () => {
    expect(rulesOf({ '/**': { lazy: true }, '/a': { lazy: undefined } }).of('/a')).toEqual({ lazy: true });
  });

  it('know channels with the names of the objects they are kept in (CH-9)', () => {
    const rules = rulesOf({ '/constructor': { lazy: true } });
    expect(rules.of('/constructor')).toEqual({ lazy: true });
    expect(rules.of('/toString')).toEqual({});
  });
});
