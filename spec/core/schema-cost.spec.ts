import { describe, expect, it } from 'vitest';
import { compileSchema } from '../../src/core/options/data-schema.ts';
import type { JsonSchema } from '../../src/options/table.ts';
import { resolveOptions } from '../../src/core/options/options.ts';
import { UsageError } from '../../src/lib/usage-error.ts';

const { maxMessageSize } = resolveOptions();
const place = 'channels["/a"].schema';
const compile = (schema: JsonSchema) => compileSchema(schema, place);

describe('a schema that could keep the server busy', () => {
  it.each<[string, JsonSchema, string]>([
    ['uniqueItems', { uniqueItems: true }, `${place}.uniqueItems without maxItems`],
    ['uniqueItems of many', { uniqueItems: true, maxItems: 5000 }, 'uniqueItems with maxItems 5000'],
    ['a pattern', { type: 'string', pattern: '^a' }, `${place}.pattern has no bound: set maxLength to 250`],
    ['a long pattern', { pattern: '^a', maxLength: 1e6 }, 'may run over 1000000 characters'],
    ['a repeated repetition', { pattern: '^(a+)+$', maxLength: 30 }, '"^(a+)+$" repeats what is repeated'],
    ['repeated alternatives', { pattern: '^(a|aa)*$', maxLength: 60 }, 'repeats a choice of alternatives'],
    ['alternatives counted', { pattern: '^(?:[a-z]|a){1,60}$', maxLength: 60 }, 'repeats a choice'],
    ['alternatives further in', { pattern: '^((a|aa))*$', maxLength: 60 }, 'repeats a choice'],
    ['alternatives beside a class', { pattern: '^(?:[)a]|(aa|b))+$', maxLength: 60 }, 'repeats a choice'],
    ['names', { patternProperties: { '^a': {} } }, 'set propertyNames: { maxLength } to 250'],
    [
      'a costly pattern of names',
      { patternProperties: { '(a*)*': {} }, propertyNames: { maxLength: 9 } },
      '.patternProperties "(a*)*"',
    ],
    ['in properties', { properties: { 'a"b': { pattern: 'x' } } }, `${place}.properties["a\\"b"].pattern`],
    ['in items', { items: { uniqueItems: true } }, `${place}.items.uniqueItems`],
    ['in listed items', { items: [true, { pattern: 'x' }] }, `${place}.items[1].pattern`],
    ['in anyOf', { anyOf: [{ not: { pattern: 'x' } }] }, `${place}.anyOf[0].not.pattern`],
    [
      'in definitions',
      { definitions: { d: { uniqueItems: true } } },
      `${place}.definitions["d"].uniqueItems`,
    ],
    ['in names', { propertyNames: { pattern: 'x' } }, `${place}.propertyNames.pattern`],
    ['in if', { if: { contains: { pattern: 'x' } } }, `${place}.if.contains.pattern`],
    ['in dependencies', { dependencies: { a: { pattern: 'x' } } }, `${place}.dependencies["a"].pattern`],
  ])('is refused for %s, and told what to write', (_name, schema, message) => {
    expect(() => compile(schema)).toThrow(UsageError);
    expect(() => compile(schema)).toThrow(message);
  });

  it('is refused where a server is given it', () => {
    expect(() => resolveOptions({ channels: { '/a': { schema: { uniqueItems: true } } } })).toThrow(
      'channels["/a"].schema.uniqueItems',
    );
  });
});

describe('of the schemas that are taken', () => {
  const longest = 'a'.repeat(249);
  const many = Math.floor(maxMessageSize / 252);

  it.each<[string, JsonSchema, unknown]>([
    [
      'one that compares items',
      { type: 'array', uniqueItems: true, maxItems: 16 },
      // ajv compares from the end: the items differ where it comes last.
      Array.from({ length: 16 }, (_, at) => [at, ...new Array(Math.floor(maxMessageSize / 32) - 4).fill(1)]),
    ],
    [
      'one with a pattern',
      { items: { pattern: '^[a-z]+$', maxLength: 250 } },
      Array.from({ length: many }, () => `${longest}!`),
    ],
    [
      'one with a pattern that has no beginning',
      { items: { pattern: '[a-z]+!$', maxLength: 250 } },
      Array.from({ length: many }, () => longest),
    ],
    [
      'one that compares what is simple',
      { items: { type: 'string' }, uniqueItems: true, maxItems: 100_000 },
      Array.from({ length: Math.floor(maxMessageSize / 8) }, (_, at) => String(at)),
    ],
    [
      'one with alternatives',
      { items: { pattern: '^(?:EUR|USD)/[A-Z]{3}$', maxLength: 7 } },
      Array.from({ length: Math.floor(maxMessageSize / 10) }, () => 'EUR/ABc'),
    ],
    [
      'one with patterns of names',
      { patternProperties: { '^x-[a-z]*$': true }, propertyNames: { maxLength: 100 } },
      Object.fromEntries(
        Array.from({ length: Math.floor(maxMessageSize / 110) }, (_, at) => [`x-${'a'.repeat(80)}${at}`, 1]),
      ),
    ],
  ])('%s takes at most 100 ms for the worst that a message can hold', (_name, schema, data) => {
    const compiled = compile(schema);
    const begun = performance.now();
    compiled.faultIn(data);
    expect(performance.now() - begun).toBeLessThan(100);
  });
});
