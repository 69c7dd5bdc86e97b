import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { DataFault } from '../../protocol/errors.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { JsonSchema } from '../../options/table.ts';
import { linearPattern } from './linear-pattern.ts';
import { refuseCostlySchema } from './schema-cost.ts';
import { refuseDoubling } from './schema-recursion.ts';

/** A compiled schema, which the data of every publish to some channels must satisfy. */
export interface DataSchema {
  /** The path of the schema in the options: `channels["/prices/**"].schema`. */
  readonly place: string;
  /** The first fault, if there is one. Absent data is always a fault. */
  faultIn(data: unknown): DataFault | undefined;
}

const compiled = new WeakMap<object, ValidateFunction>();

/** Compiles a schema, each object only once. Throws `UsageError` with the path of the schema and the reason. */
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

// Options are resolved more than once before a server starts, with the same object for the schema.
function validator(schema: JsonSchema, place: string): ValidateFunction {
  if (typeof schema === 'boolean') return compile(schema, place);
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validate = compile(schema, place);
  compiled.set(schema, validate);
  return validate;
}

function compile(schema: JsonSchema, place: string): ValidateFunction {
  refuseCostlySchema(schema, place);
  let satisfies: ValidateFunction;
  try {
    satisfies = validatorFor(schema).compile(schema);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${place} is not a usable JSON schema: ${why}`, { cause });
  }
  refuseDoubling(schema, place);
  if ('$async' in satisfies) throw new UsageError(`${place} must not be asynchronous ($async)`);
  return satisfies;
}

// Each schema has its own Ajv: two schemas may have the same $id. CH-9: only own properties of the data count.
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
