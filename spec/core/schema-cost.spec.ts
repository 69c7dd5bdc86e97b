import { describe, expect, it } from 'vitest';
import { compileSchema } from '../../src/features/data-schema/compiled-schema.ts';
import type { JsonSchema } from '../../src/options/table.ts';
import { resolveOptions } from '../../src/server-options.ts';
import { UsageError } from '../../src/lib/usage-error.ts';

const { maxMessageSize } = resolveOptions();
const place = 'channels["/a"].schema';
const compile = (schema: JsonSchema) => compileSchema(schema, place);

/** Milliseconds of this process, whatever else the machine does. */
function cpuTime(work: () => void): number {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

describe('a schema that could keep the server busy', () => {
  it.each<[string, JsonSchema, string]>([
    ['uniqueItems', { uniqueItems: true }, `${place}.uniqueItems without maxItems`],
    ['uniqueItems of many', { uniqueItems: true, maxItems: 5000 }, 'uniqueItems with maxItems 5000'],
    ['a lookahead', { pattern: '^(?=a)' }, `${place}.pattern "^(?=a)" cannot be matched in one pass`],
    ['a back reference', { pattern: '^(.)\\1$' }, 'the texts themselves instead of \\1'],
    ['a large count', { pattern: '^.{1,2000}$' }, 'cannot be matched in one pass'],
    ['many steps', { pattern: '^.{1,40}$' }, 'has more than 40 steps'],
    ['many steps behind a repeat', { pattern: '^.*a.{64}$' }, 'has more than 40 steps'],
    ['many steps from any place', { pattern: '[0-9a-f]{64}$' }, 'has more than 40 steps'],
    ['many steps in alternatives', { pattern: '^[0-9a-f]{40}$|^[0-9a-f]{64}$' }, 'has more than 40 steps'],
    ['very many steps', { pattern: '^.{128}$' }, 'has more than 100 steps'],
    ['a pattern of names', { patternProperties: { '(?!a)': {} } }, '.patternProperties "(?!a)" cannot'],
    [
      'in properties',
      { properties: { 'a"b': { pattern: '(?=x)' } } },
      `${place}.properties["a\\"b"].pattern`,
    ],
    ['in items', { items: { uniqueItems: true } }, `${place}.items.uniqueItems`],
    ['in listed items', { items: [true, { pattern: '(?=x)' }] }, `${place}.items[1].pattern`],
    ['in anyOf', { anyOf: [{ not: { pattern: '(?=x)' } }] }, `${place}.anyOf[0].not.pattern`],
    [
      'in definitions',
      { definitions: { d: { uniqueItems: true } } },
      `${place}.definitions["d"].uniqueItems`,
    ],
    ['in names', { propertyNames: { pattern: '(?=x)' } }, `${place}.propertyNames.pattern`],
    ['in if', { if: { contains: { pattern: '(?=x)' } } }, `${place}.if.contains.pattern`],
    ['in dependencies', { dependencies: { a: { pattern: '(?=x)' } } }, `${place}.dependencies["a"].pattern`],
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

const $schema = 'https://json-schema.org/draft/2020-12/schema';
const items = ($ref: string) => ({ items: { $ref } });
const level = (at: number) => ({ $ref: `#/definitions/l${at}` });
const node = { $ref: '#/definitions/node' };
const recursive = (definition: JsonSchema): JsonSchema => ({ ...node, definitions: { node: definition } });
const chain = (required: string) => ({ properties: { next: node }, required: [required] });
const kind = (value: string, rest: object) => ({
  properties: { kind: { const: value }, ...rest },
  required: ['kind'],
});

describe('a schema that refers to itself', () => {
  it.each<[string, JsonSchema]>([
    ['anyOf', recursive({ anyOf: [chain('a'), chain('b')] })],
    ['oneOf', recursive({ oneOf: [chain('a'), { type: 'number' }, chain('b')] })],
    ['allOf', recursive({ allOf: [chain('a'), chain('b')] })],
    ['beside', recursive({ ...chain('a'), not: chain('b') })],
    ['two $ref', recursive({ properties: { next: { allOf: [node, node] } } })],
    ['a pattern', recursive({ patternProperties: { '^n': node, t$: node } })],
    ['items', recursive({ items: node, contains: node })],
    ['the whole', { anyOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' } }] }],
    ['another', recursive({ anyOf: [chain('a'), { properties: { next: { properties: { next: node } } } }] })],
    [
      'an anchor',
      { $schema, $defs: { n: { $dynamicAnchor: 'n', anyOf: [items('#n'), items('#n')] } }, $ref: '#n' },
    ],
    ['an $id', { $id: 'http://a/b', anyOf: [items('http://a/b#'), items('http://a/b')] }],
    ['a dynamic $ref', { $schema, anyOf: [{ items: { $dynamicRef: '#' } }, items('#')] }],
    [
      'a const that is not required',
      recursive({ anyOf: [{ ...kind('a', { next: node }), required: [] }, kind('b', { next: node })] }),
    ],
    ['a const that comes late', recursive({ anyOf: [chain('a'), kind('b', { next: node })] })],
  ])('from two places for the same data is refused: %s', (_name, schema) => {
    expect(() => compile(schema)).toThrow(UsageError);
    expect(() => compile(schema)).toThrow(
      /schema\S* refers to itself by two paths .* put one \$ref beside anyOf/,
    );
  });

  it('from branches within branches without end is refused', () => {
    const levels = Array.from({ length: 20 }, (_, at) => [
      `l${at}`,
      { anyOf: [level(at + 1), level(at + 1)] },
    ]);
    const definitions = { ...Object.fromEntries(levels), l20: { items: level(0) } };
    expect(() => compile({ definitions, ...level(0) })).toThrow(
      /has more than 10000 paths through its branches: repeat fewer \$ref/,
    );
  });

  it.each<[string, JsonSchema]>([
    ['a tree', recursive({ properties: { left: node, right: node }, additionalProperties: node })],
    ['a list', recursive({ items: node, properties: { all: { items: node } } })],
    ['one alternative', recursive({ anyOf: [chain('a'), { type: 'number' }] })],
    [
      'others in the alternatives',
      recursive({ properties: { next: node }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
    ],
    [
      'different names',
      recursive({
        oneOf: [{ properties: { a: node } }, { properties: { b: node }, patternProperties: { '^c': node } }],
      }),
    ],
    ['different kinds', recursive({ oneOf: [kind('a', { next: node }), kind('b', { next: node })] })],
    ['its own draft', { properties: { schema: { $ref: 'http://json-schema.org/draft-07/schema#' } } }],
  ])('is taken where each part of the data is looked at once: %s', (_name, schema) => {
    const compiled = compile(schema);
    const deep = JSON.parse(`${'{"kind":"b","next":'.repeat(90)}1${'}'.repeat(90)}`);
    expect(cpuTime(() => compiled.faultIn(deep))).toBeLessThan(100);
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
    ['one with a pattern', { pattern: '^[a-z]+$' }, `${'a'.repeat(maxMessageSize - 3)}!`],
    ['one whose pattern has no beginning', { items: { pattern: '[a-z]+!$' } }, Array(many).fill(longest)],
    ['one that repeats a group', { pattern: '^[a-z]+(\\.[a-z]+)*$' }, `${'a.b'.repeat(maxMessageSize / 3)}!`],
    ['one that repeats what is repeated', { pattern: '^(a+)+$' }, `${'a'.repeat(maxMessageSize - 3)}!`],
    ['one that repeats alternatives', { pattern: '^(a|aa|a?b)*$' }, `${'ab'.repeat(maxMessageSize / 2)}!`],
    ['one that repeats one thing often', { pattern: 'a*a*a*!' }, 'a'.repeat(maxMessageSize)],
    ['one that has many places for one', { pattern: '^.*,.*,.*,.*;$' }, ','.repeat(maxMessageSize)],
    ['one with a count', { pattern: '^[a-z0-9-]{1,16}$' }, 'a-'.repeat(maxMessageSize / 2)],
    ['one with a fixed length', { pattern: '^[0-9a-f]{64}$' }, 'a'.repeat(maxMessageSize)],
    [
      'one for many of a fixed length',
      { items: { pattern: '^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$' } },
      Array(Math.floor(maxMessageSize / 39)).fill('01234567-89ab-cdef-0123-456789abcdef'),
    ],
    [
      'one that compares what is simple',
      { items: { type: 'string' }, uniqueItems: true, maxItems: 100_000 },
      Array.from({ length: Math.floor(maxMessageSize / 8) }, (_, at) => String(at)),
    ],
    [
      'one with alternatives',
      { items: { pattern: '^(?:EUR|USD)/[A-Z]{3}$' } },
      Array.from({ length: Math.floor(maxMessageSize / 10) }, () => 'EUR/ABc'),
    ],
    [
      'one with patterns of names',
      { patternProperties: { '^x-[a-z]*$': true } },
      Object.fromEntries(
        Array.from({ length: Math.floor(maxMessageSize / 110) }, (_, at) => [`x-${'a'.repeat(80)}${at}`, 1]),
      ),
    ],
  ])('%s takes at most a tenth of a second for the worst that a message can hold', (_name, schema, data) => {
    const compiled = compile(schema);
    expect(cpuTime(() => compiled.faultIn(data))).toBeLessThan(100);
  });

  it('the slowest that was found takes at most half a second for the worst that a message can hold', () => {
    // As many steps as there may be, all of them under way at once, and never the same of them twice.
    const { faultIn } = compile({ pattern: '^[ab]*a[ab]{33}[cd]' });
    const mixed = Array.from({ length: maxMessageSize }, () => (Math.random() < 0.5 ? 'a' : 'b')).join('');
    expect(cpuTime(() => faultIn(mixed))).toBeLessThan(500);
  });
});
