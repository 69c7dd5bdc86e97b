import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../src/lib/printable.ts';

describe('text from outside', () => {
  it.each([
    ['plain, Ünïcödé and 👩‍👩‍👧', 'plain, Ünïcödé and 👩‍👩‍👧'],
    ['\u001b[2J\u0007\r\n\t\0', '\\u001b[2J\\u0007\\u000d\\u000a\\u0009\\u0000'],
    ['\u007f\u009b31m\u0085', '\\u007f\\u009b31m\\u0085'],
    ['a\u202etxt.exe\u2066\u200f', 'a\\u202etxt.exe\\u2066\\u200f'],
    ['\u2028\u2029', '\\u2028\\u2029'],
  ])('%j is shown as %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('stays the same JSON', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.oneof(text, fc.dictionary(text, text), fc.json()), (value) => {
        const shown = printable(JSON.stringify(value));
        expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(shown).not.toMatch(/[\p{Cc}]/u);
      }),
    );
  });
});
