import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { DataFault } from '../../protocol/errors.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { JsonSchema } from '../../options/table.ts';
import { linearPattern } from './linear-pattern.ts';
import { refuseCostlySchema } from './schema-cost.ts';
import { refuseDoubling } from './schema-recursion.ts';

/** What the data of every publish to some channels must satisfy. */
export interface DataSchema {
  /** Where it stands in the options: `channels["/prices/**"].schema`. */
  readonly place: string;
  /** The first fault, if there is one. Data that is not there has one, whatever the schema says. */
  faultIn(data: unknown): DataFault | undefined;
}

const compiled = new WeakMap<object, ValidateFunction>();

/** Compiles a schema, once however often it is asked for. Throws `UsageError` with its place and what is wrong with it. */
export function compileSchema(schema: JsonSchema, place: string): DataSchema {
  const satisfies = validator(schema, place);
  return {
    place,
    faultIn(data) {
      if (data === undefined) return { path: '', message: 'must be there' };
      return satisfies(data) ? undefined : faultOf(satisfies.errors);
    },
  };
}

// Options are resolved more than once on their way into a server; the schema in them stays the same object.
function validator(schema: JsonSchema, place: string): ValidateFunction {
  if (typeof schema === 'boolean') return compile(schema, place);
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = compile(schema, place);
  compiled.set(schema, made);
  return made;
}

function compile(schema: JsonSchema, place: string): ValidateFunction {
  refuseCostlySchema(schema, place);
  let satisfies: ValidateFunction;
  try {
    satisfies = validatorFor(schema).compile(schema);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${place} is no JSON schema that can be used: ${why}`, { cause });
  }
  refuseDoubling(schema, place);
  if ('$async' in satisfies) throw new UsageError(`${place} is asynchronous ($async), which it may not be`);
  return satisfies;
}

// Each has its own: two schemas may have the same $id. CH-9: only what the data itself has counts, not what every object has.
function validatorFor(schema: JsonSchema): Ajv | Ajv2019 | Ajv2020 {
  const options = { ownProperties: true, logger: false, code: { regExp: linearPattern } } as const;
  const dialect = typeof schema === 'object' ? String(schema.$schema) : '';
  if (dialect.includes('/draft/2020-12/')) return new Ajv2020(options);
  if (dialect.includes('/draft/2019-09/')) return new Ajv2019(options);
  return new Ajv(options);
}

function faultOf(errors: readonly ErrorObject[] | null | undefined): DataFault {
  const [first] = errors ?? [];
  return { path: first?.instancePath ?? '', message: first?.message ?? 'must satisfy its schema' };
}
