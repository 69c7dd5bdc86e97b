import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/features/binary/z85.ts';

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

/** The codec of the published client. */
const { Z85 } = (() => {
  const file = createRequire(import.meta.url)
    .resolve('cometd')
    .replace(/cometd\.js$/, 'Z85.js');
  const source = readFileSync(file, 'utf8').replace('export class', 'return class');
  return { Z85: new Function(source)() };
})();

describe('Z85 (BN-3)', () => {
  it.each([
    ['', ''],
    ['00', '00'],
    ['01', '0r'],
    ['0102', '0rJ'],
    ['010203', '0rJu'],
    ['ffffffff', '%nSc0'],
    ['68656c6c6f', 'xK#0@zV'],
    ['864fd26fb559f75b', 'HelloWorld'],
  ])('writes %s as %s, and reads it back', (bytes, text) => {
    expect(encode(Buffer.from(bytes, 'hex'))).toBe(text);
    expect(hex(decode(text))).toBe(bytes);
  });

  it.each([
    ['a foreign character', '0r,0'],
    ['a space', '0 r0'],
    ['a character beyond ASCII', '0é'],
    ['a character far beyond', '0\u{1f600}'],
    ['a NUL', '\0\0'],
    ['one digit', '0'],
    ['six digits', '000000'],
    ['a group of 2^32', '%nSc1'],
    ['the highest digits', '#####'],
    ['a tail that is too high', '##'],
  ])('refuses %s (BN-4)', (_what, text) => {
    expect(decode(text)).toBeUndefined();
  });

  it('gives back any bytes, and agrees with the published client on all of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = encode(bytes);
        expect(text).toBe(Z85.encode(bytes.slice()));
        expect(hex(decode(text))).toBe(hex(bytes));
        expect(hex(new Uint8Array(Z85.decode(text)))).toBe(hex(bytes));
      }),
    );
  });

  it('reads any text, or says that it is none', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), (text) => {
        const bytes = decode(text);
        expect(bytes === undefined || bytes.length === Math.floor((text.length * 4) / 5)).toBe(true);
      }),
    );
  });
});
