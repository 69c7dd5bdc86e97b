import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChannelGrammar, kindOf, segmentsOf } from '../../src/protocol/channel.ts';

const limits = { maxChannelLength: 255, maxChannelSegments: 32 };
const grammars = {
  bayeux: new ChannelGrammar({ channelNames: 'bayeux', ...limits }),
  cometd: new ChannelGrammar({ channelNames: 'cometd', ...limits }),
};

type Verdict = 'name' | 'pattern' | 'no';

function verdict(mode: keyof typeof grammars, text: string): Verdict {
  if (grammars[mode].isName(text)) return 'name';
  return grammars[mode].isNameOrPattern(text) ? 'pattern' : 'no';
}

const table: readonly (readonly [texts: readonly string[], strict: Verdict, cometd: Verdict])[] = [
  [
    ['/foo', '/foo/Bar-1', '/a!~($@)_', '/__proto__', '/constructor', '/meta/connect', '/service/x'],
    'name',
    'name',
  ],
  [['/*', '/**', '/foo/*', '/foo/**', '/a/b/c/**'], 'pattern', 'pattern'],
  [['foo', '', '/', '//', '/foo/', '/foo//bar', '//foo', '*', '**', 'foo/*'], 'no', 'no'],
  [['/foo/*/bar', '/**/bar', '/foo*', '/foo/b*r', '/foo/***', '/*/*', '/**/**'], 'no', 'no'],
  [['/foo.bar', '/foo bar', '/a#b', '/a+b', '/{id}', '/foo.bar/baz'], 'no', 'name'],
  [['/foo.bar/*', '/{id}/**'], 'no', 'pattern'],
  [
    ['/foo?x=1', '/foo,bar', '/foo:bar', '/fôo', '/a%20b', '/<b>', '/a\n', '/a\nb', '\n/a', '/a\u0000'],
    'no',
    'no',
  ],
];

describe('ChannelGrammar', () => {
  it.each(table)('%j: %s, and with wide names %s (CH-1 to CH-5)', (texts, strict, cometd) => {
    for (const text of texts) {
      expect([text, verdict('bayeux', text)]).toEqual([text, strict]);
      expect([text, verdict('cometd', text)]).toEqual([text, cometd]);
    }
  });

  it('stops at the length and the number of segments it is given (CH-8)', () => {
    const grammar = new ChannelGrammar({
      channelNames: 'bayeux',
      maxChannelLength: 10,
      maxChannelSegments: 2,
    });
    expect(grammar.isName('/123456789')).toBe(true);
    expect(grammar.isName('/1234567890')).toBe(false);
    expect(grammar.isName('/a/b')).toBe(true);
    expect(grammar.isName('/a/b/c')).toBe(false);
    expect(grammar.isNameOrPattern('/a/**')).toBe(true);
    expect(grammar.isNameOrPattern('/a/b/**')).toBe(false);
  });

  it('judges a megabyte of anything in an instant', () => {
    const began = performance.now();
    for (const text of [
      '/a'.repeat(500_000),
      '/'.repeat(1_000_000),
      `/${'a'.repeat(1_000_000)}`,
      '/*'.repeat(500_000),
    ]) {
      expect(grammars.bayeux.isNameOrPattern(text)).toBe(false);
    }
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('agrees with the grammar as the digest writes it', () => {
    const name = /^(?:\/[A-Za-z0-9\-_!~()$@]+)+$/;
    const pattern = /^(?:\/[A-Za-z0-9\-_!~()$@]+)*\/\*{1,2}$/;
    const alphabet = fc.constantFrom('/', '*', 'a', 'Z', '0', '-', '@', '.', ' ', 'é');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (text) => {
        expect(grammars.bayeux.isName(text)).toBe(name.test(text));
        expect(grammars.bayeux.isNameOrPattern(text)).toBe(name.test(text) || pattern.test(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('kindOf', () => {
  it.each([
    ['/meta', 'meta'],
    ['/meta/connect', 'meta'],
    ['/meta/subscribe/x', 'meta'],
    ['/meta/*', 'meta'],
    ['/metadata', 'broadcast'],
    ['/Meta/connect', 'broadcast'],
    ['/service', 'service'],
    ['/service/a', 'service'],
    ['/service/**', 'service'],
    ['/services', 'broadcast'],
    ['/a/meta/b', 'broadcast'],
    ['/**', 'broadcast'],
    ['/*', 'broadcast'],
  ])('%s is %s (CH-6)', (channel, kind) => {
    expect(kindOf(channel)).toBe(kind);
  });
});

describe('segmentsOf', () => {
  it('parts a name at its slashes', () => {
    expect(segmentsOf('/a/b/**')).toEqual(['a', 'b', '**']);
  });
});
