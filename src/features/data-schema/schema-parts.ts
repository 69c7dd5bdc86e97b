import { isObject } from '../../protocol/message.ts';

export type Keywords = { readonly [keyword: string]: unknown };

const single = [
  ...['additionalItems', 'additionalProperties', 'contains', 'else', 'if', 'items', 'not', 'propertyNames'],
  ...['then', 'unevaluatedItems', 'unevaluatedProperties'],
];
const listed = ['allOf', 'anyOf', 'oneOf', 'items', 'prefixItems'];
const named = [
  ...['$defs', 'definitions', 'dependencies', 'dependentSchemas', 'patternProperties', 'properties'],
];

/** The subschemas directly in a schema, each with its path. */
export function partsOf(schema: Keywords, place: string): [unknown, string][] {
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
