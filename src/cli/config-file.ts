import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { LineCounter, parseDocument, YAMLError } from 'yaml';
import type { OptionTable } from '../options/table.ts';
import { checked, noGroup, unknownOption } from '../options/check.ts';
import { tokensOf } from '../lib/json-pointer.ts';
import { UsageError } from '../lib/usage-error.ts';
import { ConfigError, type Problem } from './config-error.ts';
import { allOptions, configTable } from './options.ts';
import { schemaOf } from './schema.ts';
import { lineOf } from './source-lines.ts';
import { unlimited } from './text.ts';

interface Entry {
  readonly path: string;
  readonly value: unknown;
  /** The file and the line. */
  readonly place: string;
}

/** A configuration file that was read. */
export interface ConfigFile {
  readonly entries: readonly Entry[];
  /** The file, and the line of this key. */
  placeOf(keys: readonly string[]): string;
}

/** Reads a configuration file, YAML or JSON. Throws `ConfigError` with all mistakes in it. */
export function readConfigFile(file: string): ConfigFile {
  const { content, placeOf } = sourceOf(file);
  const validate = schema();
  if (!validate(content)) throw new ConfigError(problemsOf(content, validate.errors ?? [], placeOf));
  const entries = entriesOf(configTable, content, []).map(([keys, value]) => ({
    path: keys.join('.'),
    value,
    place: placeOf(keys),
  }));
  return { entries, placeOf };
}

let compiled: ValidateFunction | undefined;

/** Compiled when the first file is read: most runs read none. */
function schema(): ValidateFunction {
  compiled ??= new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
    schemaOf(configTable),
  );
  return compiled;
}

interface Source {
  readonly content: unknown;
  placeOf(keys: readonly string[]): string;
}

function sourceOf(file: string): Source {
  try {
    const counter = new LineCounter();
    const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: counter });
    for (const error of document.errors) throw error;
    const content: unknown = document.toJS() ?? {};
    return { content, placeOf: (keys) => `${file}:${lineOf(document, counter, keys)}` };
  } catch (error) {
    throw new ConfigError([{ key: 'config', place: whereIn(file, error), message: unreadable(error) }], {
      cause: error,
    });
  }
}

function whereIn(file: string, error: unknown): string {
  const at = error instanceof YAMLError ? error.linePos?.[0] : undefined;
  return at === undefined ? file : `${file}:${at.line}:${at.col}`;
}

function unreadable(error: unknown): string {
  if (error instanceof YAMLError)
    return `this is neither YAML nor JSON: ${error.message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '')}`;
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'ENOENT')
      return 'there is no such file; write one, or correct --config or BAYEUXD_CONFIG';
    return `it cannot be read (${error.code})`;
  }
  return String(error);
}

function entriesOf(
  table: OptionTable,
  content: unknown,
  outer: readonly string[],
): [keys: readonly string[], value: unknown][] {
  if (typeof content !== 'object' || content === null) return [];
  return Object.entries(content).flatMap(([name, value]): [readonly string[], unknown][] => {
    const row = table[name];
    const keys = [...outer, name];
    if (row?.kind === 'group' && typeof value !== 'boolean') return entriesOf(row.rows, value, keys);
    return [[keys, value === unlimited ? Number.POSITIVE_INFINITY : value]];
  });
}

/** The schema finds the places. The messages are those of the option table, the same as for flags and variables. */
function problemsOf(
  content: unknown,
  errors: readonly ErrorObject[],
  placeOf: ConfigFile['placeOf'],
): Problem[] {
  const faults = errors.map((error) => faultOf(content, error));
  // One mistake may violate several branches of the schema, and a mistake in a group is also one of the group.
  const distinct = [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  const innermost = distinct.filter(
    ({ key, ofGroup }) => !ofGroup || !distinct.some((other) => other.key.startsWith(`${key}.`)),
  );
  return innermost.map(({ key, message, keys }) => ({ key, place: placeOf(keys), message }));
}

interface Fault {
  readonly key: string;
  /** All keys on the way to it. */
  readonly keys: readonly string[];
  readonly message: string;
  readonly ofGroup: boolean;
}

function faultOf(content: unknown, { instancePath, params, message }: ErrorObject): Fault {
  const outer = tokensOf(instancePath);
  const { additionalProperty } = params;
  const keys = typeof additionalProperty === 'string' ? [...outer, additionalProperty] : outer;
  let table: OptionTable = configTable;
  let value = content;
  for (const [depth, name] of outer.entries()) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    const row = table[name];
    const key = outer.slice(0, depth + 1).join('.');
    if (row === undefined) break;
    if (row.kind === 'rules') value = oneKey(value, keys.slice(depth + 1));
    if (row.kind !== 'group') {
      const refused = refusal(() => checked(row, key, value)) ?? `${key} ${message}`;
      return { key, keys, message: refused, ofGroup: false };
    }
    table = row.rows;
  }
  const key = keys.join('.');
  if (keys.length > outer.length)
    return { key, keys, message: unknownOption(key, allOptions).message, ofGroup: false };
  return { key, keys, message: noGroup(key || 'the file', value).message, ofGroup: true };
}

/** The rules reduced to the rule and key with the fault, since the check reports only the first fault that it finds. */
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
