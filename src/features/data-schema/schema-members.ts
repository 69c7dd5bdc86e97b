import { isObject } from '../../protocol/message.ts';
import { linearPattern } from './linear-pattern.ts';
import type { Keywords } from './schema-parts.ts';

/** A set of members of an object or array: one by name or index, those that match a pattern, or all except some. */
export interface Members {
  readonly of: 'object' | 'array';
  readonly name?: string;
  readonly like?: string;
  readonly except?: readonly Members[];
  /** The property that ajv checks first, with the values that it must have. */
  readonly first?: First | undefined;
}

interface First {
  readonly name: string;
  readonly values: readonly unknown[];
}

/** The subschemas for members of the data, each with its members. */
export function membersOf(schema: Keywords): [unknown, Members][] {
  return [...ofObject(schema), ...ofArray(schema)];
}

/** Whether one member of the data may be in both sets. */
export function overlap(a: Members, b: Members): boolean {
  if (a.of !== b.of || excludeEachOther(a.first, b.first)) return false;
  if (a.except !== undefined) return !a.except.some((excluded) => covers(excluded, b));
  if (b.except !== undefined) return !b.except.some((excluded) => covers(excluded, a));
  return a.like !== undefined && b.like !== undefined ? true : covers(a, b) || covers(b, a);
}

// Whether `a`, by name or by pattern, includes every member in `b`.
function covers(a: Members, b: Members): boolean {
  if (b.name === undefined) return a.like !== undefined && a.like === b.like;
  return a.like === undefined ? a.name === b.name : linearPattern(a.like).test(b.name);
}

function excludeEachOther(a: First | undefined, b: First | undefined): boolean {
  return a !== undefined && a.name === b?.name && !a.values.some((value) => b.values.includes(value));
}

function ofObject(schema: Keywords): [unknown, Members][] {
  const of = 'object' as const;
  const { properties, patternProperties } = schema;
  const first = firstOf(schema);
  const named = entriesOf(properties).map(([name, part]) => [part, { of, name, first }] as const);
  const like = entriesOf(patternProperties).map(([pattern, part]) => [part, { of, like: pattern }] as const);
  const except = [...named, ...like].map(([, members]) => members);
  return [
    ...named.map(([part, members]): [unknown, Members] => [part, members]),
    ...like.map(([part, members]): [unknown, Members] => [part, members]),
    [schema.additionalProperties, { of, except }],
    [schema.unevaluatedProperties, { of, except: [] }],
  ];
}

function ofArray(schema: Keywords): [unknown, Members][] {
  const of = 'array' as const;
  const { items, prefixItems, additionalItems, unevaluatedItems, contains } = schema;
  const listed = Array.isArray(items) ? items : Array.isArray(prefixItems) ? prefixItems : [];
  const placed = listed.map((part, at): [unknown, Members] => [part, { of, name: String(at) }]);
  const except = placed.map(([, members]) => members);
  return [
    ...placed,
    [Array.isArray(items) ? additionalItems : items, { of, except }],
    [contains, { of, except: [] }],
    [unevaluatedItems, { of, except: [] }],
  ];
}

// ajv stops at the first wrong property: if their `const` differs there, only one of two schemas checks the rest.
function firstOf({ properties, required }: Keywords): First | undefined {
  const [[name, part] = ['', undefined]] = entriesOf(properties);
  if (!isObject(part) || !Array.isArray(required) || !required.includes(name)) return undefined;
  const values = 'const' in part ? [part.const] : part.enum;
  const isSimple = Array.isArray(values) && values.every((value) => typeof value !== 'object');
  return isSimple ? { name, values } : undefined;
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}
