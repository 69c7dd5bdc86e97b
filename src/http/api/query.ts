import type { Request } from 'express';
import type { Schema } from './checker.ts';
import { Problem } from './problem.ts';

/** The query of a request. Numbers become numbers where the schema has them. Throws `Problem` for a parameter that comes twice. */
export function queryOf({ url }: Pick<Request, 'url'>, { properties }: Schema): Record<string, unknown> {
  const at = url.indexOf('?');
  const query = new Map<string, unknown>();
  for (const [name, text] of new URLSearchParams(at === -1 ? '' : url.slice(at + 1))) {
    if (query.has(name)) throw twice(name);
    query.set(name, isInteger(properties, name) && /^-?\d{1,20}$/.test(text) ? Number(text) : text);
  }
  return Object.fromEntries(query);
}

function isInteger(properties: unknown, name: string): boolean {
  if (typeof properties !== 'object' || properties === null || !Object.hasOwn(properties, name)) return false;
  return Reflect.get(Reflect.get(properties, name), 'type') === 'integer';
}

function twice(name: string): Problem {
  const detail = `${JSON.stringify(name)} comes twice`;
  return new Problem('query_invalid', detail, { faults: [{ parameter: name, detail }] });
}
