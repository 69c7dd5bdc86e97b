import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { didYouMean } from '../../lib/did-you-mean.ts';
import { isObject } from '../../protocol/message.ts';
import { type Fault, Problem, type ProblemCode } from './problem.ts';

/** A JSON schema, as the document of the API has it. */
export type Schema = { readonly [key: string]: unknown };

/** Checks the body or the query of a request by a schema. */
export interface Checker<T> {
  readonly schema: Schema;
  /** Throws `Problem` for a value that does not satisfy the schema. */
  read(value: unknown): T;
}

/** Most faults that an answer names. */
const SHOWN = 10;

// Without `meta` nothing compiles the schema of schemas, which takes longer than all of the API's.
const ajv = new Ajv2020({
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  meta: false,
  validateSchema: false,
});

/**
 * Makes a checker. `words` explains a text that does not fit the schema with that `title`. The schema is compiled for the first
 * request: a server with all routes starts sooner.
 */
export function checker<T>(
  where: 'body' | 'query',
  schema: Schema,
  words: Readonly<Record<string, (text: string) => string | undefined>> = {},
): Checker<T> {
  let isValid: ValidateFunction<T> | undefined;
  const read = (value: unknown): T => {
    isValid ??= ajv.compile<T>(schema);
    if (isValid(value)) return value;
    throw problemOf(isValid.errors ?? [], where, words);
  };
  return { schema, read };
}

const nothing: Schema = { type: 'object', properties: {}, additionalProperties: false };

/** Makes a checker for a query without parameters. */
export const noQuery = () => checker<object>('query', nothing);

/** A checker for one of several forms. The first field of `forms` that the body has selects its form; else it is `other`. */
export function oneOf<T>(forms: Readonly<Record<string, Checker<T>>>, other: Checker<T>): Checker<T> {
  const all = [other, ...Object.values(forms)];
  const formOf = (body: unknown) => {
    const [, form] =
      Object.entries(forms).find(([field]) => isObject(body) && Object.hasOwn(body, field)) ?? [];
    return form ?? other;
  };
  return { schema: { oneOf: all.map(({ schema }) => schema) }, read: (body) => formOf(body).read(body) };
}

function problemOf(
  errors: readonly ErrorObject[],
  where: 'body' | 'query',
  words: Readonly<Record<string, (text: string) => string | undefined>>,
): Problem {
  const faults = new Map<string, Fault>();
  let code: ProblemCode = `${where}_invalid`;
  for (const error of errors.slice(0, 10 * SHOWN)) {
    const told = wordsFor(error, words);
    if (told !== undefined && faults.size === 0) code = 'channel_invalid';
    const fault = faultOf(error, where, told);
    faults.set(JSON.stringify(fault), fault);
  }
  const shown = [...faults.values()].slice(0, SHOWN);
  return new Problem(code, shown.map(({ detail }) => detail).join('; '), { faults: shown });
}

function wordsFor(
  { parentSchema, data }: ErrorObject,
  words: Readonly<Record<string, (text: string) => string | undefined>>,
): string | undefined {
  const explain = words[String(parentSchema?.title)];
  return typeof data === 'string' ? explain?.(data) : undefined;
}

function faultOf(error: ErrorObject, where: 'body' | 'query', told: string | undefined): Fault {
  const { keyword, params, message, instancePath } = error;
  const path = instancePath.slice(1);
  const field = keyword === 'required' ? params.missingProperty : params.additionalProperty;
  const names = [path.replaceAll('/', '.'), field].filter((name) => name !== undefined && name !== '');
  const name = names.join('.');
  const place =
    where === 'query' ? { parameter: name } : { pointer: ['#', path, field].filter(Boolean).join('/') };
  return { ...place, detail: detailOf(error, name, where, told ?? message ?? 'is wrong') };
}

function detailOf(
  { keyword, params, parentSchema }: ErrorObject,
  name: string,
  where: string,
  text: string,
): string {
  const noun = where === 'query' ? 'parameter' : 'field';
  if (keyword === 'required') return `${name} is missing`;
  const known = Object.keys(parentSchema?.properties ?? {});
  if (keyword === 'additionalProperties')
    return `${JSON.stringify(name)} is not a ${noun}${didYouMean(String(params.additionalProperty), known)}`;
  if (keyword === 'minProperties' || keyword === 'maxProperties')
    return `the ${where} must have exactly one of ${known.join(', ')}`;
  return `${name || `the ${where}`} ${text}`;
}
