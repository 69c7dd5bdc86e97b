import safeRegex from 'safe-regex2';
import { isObject } from '../../protocol/message.ts';
import { UsageError } from '../../lib/usage-error.ts';

/** Items of which each may have to be compared with each other. */
const MAX_COMPARED = 16;
/** Characters that a pattern may run over. */
const MAX_MATCHED = 250;
/** Quantifiers of one pattern. */
const MAX_QUANTIFIERS = 25;

type Keywords = { readonly [keyword: string]: unknown };

/**
 * Refuses a schema by which a short message could keep the server busy for seconds. Throws `UsageError` with the place of the
 * keyword, and what to write instead. Not seen are patterns that only take long in a polynomial way, which `maxLength` bounds,
 * and a schema that refers to itself from several branches at once.
 */
export function refuseCostlySchema(schema: unknown, place: string): void {
  if (!isObject(schema)) return;
  refuseComparisons(schema, place);
  refusePattern(schema, place);
  refuseNamePatterns(schema, place);
  for (const [part, where] of partsOf(schema, place)) refuseCostlySchema(part, where);
}

const scalars = new Set(['string', 'number', 'integer', 'boolean', 'null']);

// ajv compares each item with each other where they are not known to be of one simple type.
function refuseComparisons({ uniqueItems, maxItems, items }: Keywords, place: string): void {
  if (uniqueItems !== true) return;
  const isSimple = isObject(items) && typeof items.type === 'string' && scalars.has(items.type);
  if (typeof maxItems === 'number' && (isSimple || maxItems <= MAX_COMPARED)) return;
  const found = maxItems === undefined ? 'without maxItems' : `with maxItems ${maxItems}`;
  throw new UsageError(
    `${place}.uniqueItems ${found} lets a client send as many items as fit a message, and each is compared with each other: set maxItems, to ${MAX_COMPARED} or less unless items has a type such as "string"`,
  );
}

function refusePattern({ pattern, maxLength }: Keywords, place: string): void {
  if (typeof pattern !== 'string') return;
  refuseBacktracking(pattern, `${place}.pattern`);
  refuseLength(maxLength, `${place}.pattern`, 'maxLength');
}

function refuseNamePatterns({ patternProperties, propertyNames }: Keywords, place: string): void {
  if (!isObject(patternProperties)) return;
  for (const pattern of Object.keys(patternProperties))
    refuseBacktracking(pattern, `${place}.patternProperties`);
  const bound = isObject(propertyNames) ? propertyNames.maxLength : undefined;
  refuseLength(bound, `${place}.patternProperties`, 'propertyNames: { maxLength }');
}

function refuseLength(length: unknown, place: string, keyword: string): void {
  if (typeof length === 'number' && length <= MAX_MATCHED) return;
  const found = length === undefined ? 'has no bound' : `may run over ${length} characters`;
  throw new UsageError(
    `${place} ${found}: set ${keyword} to ${MAX_MATCHED} or less beside it, so that no text keeps the server busy`,
  );
}

function refuseBacktracking(pattern: string, place: string): void {
  const shown = JSON.stringify(pattern);
  if (!safeRegex(pattern, { limit: MAX_QUANTIFIERS }))
    throw new UsageError(
      `${place} ${shown} repeats what is repeated already, or has more than ${MAX_QUANTIFIERS} quantifiers: a short text can take it for ever; write it without a quantifier inside a quantified group`,
    );
  if (repeatsAlternatives(pattern))
    throw new UsageError(
      `${place} ${shown} repeats a choice of alternatives: if two of them match the same text, a short text can take it for ever; write a character class, or an enum`,
    );
}

// `(a|ab)*`, `((a|ab))*`: a quantifier that can repeat a group with alternatives in it, however deep.
function repeatsAlternatives(pattern: string): boolean {
  const groups: boolean[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at];
    if (char === '\\') at += 1;
    else if (char === '[') at = endOfClass(pattern, at);
    else if (char === '(') groups.push(false);
    else if (char === '|') groups.splice(-1, 1, true);
    else if (char === ')') {
      const hasAlternatives = groups.pop() ?? false;
      if (hasAlternatives && /^[*+{]/.test(pattern.slice(at + 1))) return true;
      if (hasAlternatives && groups.length > 0) groups.splice(-1, 1, true);
    }
  }
  return false;
}

function endOfClass(pattern: string, start: number): number {
  let at = start + 1;
  while (at < pattern.length && pattern[at] !== ']') at += pattern[at] === '\\' ? 2 : 1;
  return at;
}

const single = [
  ...['additionalItems', 'additionalProperties', 'contains', 'else', 'if', 'items', 'not', 'propertyNames'],
  ...['then', 'unevaluatedItems', 'unevaluatedProperties'],
];
const listed = ['allOf', 'anyOf', 'oneOf', 'items', 'prefixItems'];
const named = [
  ...['$defs', 'definitions', 'dependencies', 'dependentSchemas', 'patternProperties', 'properties'],
];

/** Every schema in a schema, with its place. */
function partsOf(schema: Keywords, place: string): [unknown, string][] {
  const parts: [unknown, string][] = single.map((keyword) => [schema[keyword], `${place}.${keyword}`]);
  for (const keyword of listed) {
    const list = schema[keyword];
    if (!Array.isArray(list)) continue;
    for (const [at, part] of list.entries()) parts.push([part, `${place}.${keyword}[${at}]`]);
  }
  for (const keyword of named) {
    const map = schema[keyword];
    if (!isObject(map)) continue;
    for (const [name, part] of Object.entries(map))
      parts.push([part, `${place}.${keyword}[${JSON.stringify(name)}]`]);
  }
  return parts;
}
