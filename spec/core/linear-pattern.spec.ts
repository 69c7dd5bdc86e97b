import { expect, it } from 'vitest';
import { compileSchema } from '../../src/features/data-schema/compiled-schema.ts';

const classes = [
  '.',
  '\\s',
  '\\S',
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '[.]',
  '[^.]',
  '[^]',
  '[]',
  '[^\\n]',
  '[\\-a]',
];
const more = [
  '[\\s\\d]',
  '[\\S]',
  '[^\\s]',
  '[^\\S]',
  '[^\\D]',
  '[a\\]b]',
  '[\\[]',
  '[[a]',
  '[[:alpha:]',
  '[a&&b]',
];
const escapes = [
  '\\.',
  '\\n',
  '\\t',
  '\\v',
  '\\f',
  '\\0',
  '\\\\',
  '\\/',
  '\\^',
  '\\x41',
  '\\cJ',
  '\\u00e9',
  '\\u{1F600}',
];
const others = [
  '\\ud83d\\ude00',
  '😀',
  '\\p{L}',
  '\\P{L}',
  '[\\p{L}_]',
  '(?<n>a)',
  '^$',
  '^a$',
  '\\bb',
  'a|b',
  'a{2,}',
  '(?:a?b)+?$',
];
const patterns = [...classes, ...more, ...escapes, ...others].flatMap((one) => [one, `^${one}$`]);

const spaces = [
  '',
  ' ',
  '\t',
  '\n',
  '\r',
  '\v',
  '\f',
  '\u00a0',
  '\u1680',
  '\u2003',
  '\u2028',
  '\u3000',
  '\ufeff',
  '\u200b',
  '\u0085',
];
const letters = [
  'a',
  'b',
  'ab',
  'aab',
  'a b',
  'a\n',
  '\na',
  'é',
  '😀',
  '😀a',
  '\ud83d',
  '\ude00',
  'A',
  '0',
  '\0',
  ':',
  'l',
  '&',
  '_',
];
const texts = [...spaces, ...letters, '\\', '.', '-', '[', ']', '^', '$', '/'];

it.each(patterns)('the pattern %s means in a schema what it means in JavaScript', (pattern) => {
  const schema = compileSchema({ pattern }, 'schema');
  const expected = new RegExp(pattern, 'u');
  const isTaken = (text: string) => schema.faultIn(text) === undefined;
  expect(texts.filter(isTaken)).toEqual(texts.filter((text) => expected.test(text)));
});

it('each pattern of a schema is its own', () => {
  const schema = compileSchema({ items: [{ pattern: '^a' }, { pattern: '^b' }] }, 'schema');
  expect(schema.faultIn(['a', 'b'])).toBeUndefined();
  expect(schema.faultIn(['a', 'a'])?.path).toBe('/1');
});
