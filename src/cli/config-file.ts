import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { parse, YAMLError } from 'yaml';
import type { OptionTable } from '../options/table.ts';
import { checked, noGroup, unknownOption } from '../options/check.ts';
import { UsageError } from '../lib/usage-error.ts';
import { ConfigError, type Problem } from './config-error.ts';
import { allOptions, configTable } from './options.ts';
import { schemaOf } from './schema.ts';
import { unlimited } from './text.ts';

/** An option's path with its value. */
export type Entry = readonly [path: string, value: unknown];

/** Reads a configuration file, YAML or JSON, into entries. Throws `ConfigError` with everything that is wrong in it. */
export function readConfigFile(file: string): Entry[] {
  const content = contentOf(file) ?? {};
  const fits = schema();
  if (fits(content)) return entriesOf(configTable, content, '');
  throw new ConfigError(problemsOf(file, content, fits.errors ?? []));
}

let compiled: ValidateFunction | undefined;

/** Compiled when the first file is read: most runs have none. */
function schema(): ValidateFunction {
  compiled ??= new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
    schemaOf(configTable),
  );
  return compiled;
}

function contentOf(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError([{ key: 'config', place: file, message: unreadable(error) }], { cause: error });
  }
}

function unreadable(error: unknown): string {
  if (error instanceof YAMLError)
    return `this is neither YAML nor JSON: ${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`;
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'ENOENT')
      return 'there is no such file; write one, or correct --config or BAYEUXD_CONFIG';
    return `it cannot be read (${error.code})`;
  }
  return String(error);
}

function entriesOf(table: OptionTable, content: unknown, prefix: string): Entry[] {
  if (typeof content !== 'object' || content === null) return [];
  return Object.entries(content).flatMap(([name, value]): Entry[] => {
    const row = table[name];
    if (row?.kind === 'group' && typeof value !== 'boolean')
      return entriesOf(row.rows, value, `${prefix}${name}.`);
    return [[prefix + name, value === unlimited ? Number.POSITIVE_INFINITY : value]];
  });
}

/** The schema finds the places; the words are the table's, the same as for flags and variables. */
function problemsOf(place: string, content: unknown, errors: readonly ErrorObject[]): Problem[] {
  const faults = errors.map((error) => faultOf(content, error));
  // A value may break several branches of the schema, and a group is also broken when what is in it is.
  const known = [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  const own = known.filter(
    ({ key, ofGroup }) => !ofGroup || !known.some((other) => other.key.startsWith(`${key}.`)),
  );
  return own.map(({ key, message }) => ({ key, place, message }));
}

interface Fault {
  readonly key: string;
  readonly message: string;
  readonly ofGroup: boolean;
}

function faultOf(content: unknown, { instancePath, params, message }: ErrorObject): Fault {
  const keys = instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const { additionalProperty } = params;
  let table: OptionTable = configTable;
  let value = content;
  for (const [depth, name] of keys.entries()) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    const row = table[name];
    const key = keys.slice(0, depth + 1).join('.');
    if (row === undefined) break;
    if (row.kind === 'rules') value = oneKey(value, [...keys.slice(depth + 1), additionalProperty]);
    if (row.kind !== 'group')
      return { key, message: refusal(() => checked(row, key, value)) ?? `${key} ${message}`, ofGroup: false };
    table = row.rows;
  }
  const key = [...keys, ...(additionalProperty === undefined ? [] : [additionalProperty])].join('.');
  if (additionalProperty !== undefined)
    return { key, message: unknownOption(key, allOptions).message, ofGroup: false };
  return { key, message: noGroup(key || 'the file', value).message, ofGroup: true };
}

/** Of all rules the one with the fault, with nothing but the key it is in: the check names the first fault it finds. */
function oneKey(rules: unknown, [pattern, name]: readonly unknown[]): unknown {
  const rule = typeof pattern === 'string' ? ownValue(rules, pattern) : undefined;
  if (typeof pattern !== 'string' || rule === undefined) return rules;
  const value = typeof name === 'string' ? ownValue(rule, name) : undefined;
  return { [pattern]: typeof name === 'string' && value !== undefined ? { [name]: value } : rule };
}

function ownValue(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null && Object.hasOwn(from, name)
    ? Reflect.get(from, name)
    : undefined;
}

function refusal(check: () => unknown): string | undefined {
  try {
    check();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return undefined;
}
