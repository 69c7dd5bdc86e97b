import { isObject } from '../protocol/message.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import {
  type ListRow,
  type NamedOption,
  type NumberRow,
  type OptionRow,
  type OptionTable,
  optionRows,
  type Resolved,
  type RulesRow,
} from './table.ts';

/** The heap limit that defaults are computed from when none is given. Bytes. */
const USUAL_HEAP = 2 ** 31;

/**
 * The values of all options of a table: as given, or the default, which may depend on `heap`, the heap limit in bytes.
 * Throws `UsageError` for an unknown name or a value out of bounds (CF-1).
 */
export function resolve<Table extends OptionTable>(
  table: Table,
  given: unknown,
  heap?: number,
): Resolved<Table>;
export function resolve(table: OptionTable, given: unknown, heap = USUAL_HEAP): object {
  return resolveGroup(table, given, '', { heap, table });
}

type Values = Record<string, unknown>;

interface Context {
  readonly heap: number;
  /** The whole table, to suggest a name from. */
  readonly table: OptionTable;
}

function resolveGroup(
  table: OptionTable,
  given: unknown,
  prefix: string,
  context: Context,
  outer?: Readonly<Values>,
): Readonly<Values> {
  const values = new Map(ownEntries(given, prefix));
  for (const name of values.keys())
    if (!Object.hasOwn(table, name)) throw unknownOption(prefix + name, optionRows(context.table));
  const resolved: Values = {};
  for (const [name, row] of Object.entries(table)) {
    if (row.kind === 'group') continue;
    const given = values.get(name);
    const value = given === undefined ? fallbackOf(row, context.heap, outer ?? resolved) : given;
    resolved[name] = value === undefined ? undefined : checked(row, prefix + name, value);
  }
  for (const [name, row] of Object.entries(table)) {
    if (row.kind !== 'group') continue;
    const value = values.get(name);
    const given = value === undefined || (value === true && row.off) ? {} : value;
    const off = row.off && (value === false || (value === undefined && row.unlessGiven));
    resolved[name] = off ? false : resolveGroup(row.rows, given, `${prefix}${name}.`, context, resolved);
  }
  return Object.freeze(resolved);
}

function fallbackOf(row: OptionRow, heap: number, others: Readonly<Values>): unknown {
  const inherited = row.inherits === undefined ? row.default : others[row.inherits];
  if (row.kind !== 'integer' && row.kind !== 'number') return inherited;
  if (row.heapPerOne !== undefined) return Math.ceil(heap / row.heapPerOne);
  return row.part !== undefined && typeof inherited === 'number'
    ? Math.ceil(inherited * row.part)
    : inherited;
}

function ownEntries(given: unknown, prefix: string): [string, unknown][] {
  if (isObject(given)) return Object.entries(given);
  throw noGroup(prefix.slice(0, -1) || 'options', given);
}

/** The error for a group of options that is not an object. */
export function noGroup(path: string, value: unknown): UsageError {
  return new UsageError(`${path} must be an object of options, got ${shown(value)}`);
}

/** The error for an unknown option, with the option that may have been meant. */
export function unknownOption(path: string, all: readonly NamedOption[]): UsageError {
  const paths = all.map((option) => option.path);
  const elsewhere = paths.find((known) => known.endsWith(`.${path}`));
  const hint = elsewhere ? `; did you mean "${elsewhere}"?` : didYouMean(path, paths);
  return new UsageError(`unknown option "${path}"${hint}`);
}

/** Checks one value against its row and returns it frozen. Throws `UsageError` with the path of the option. */
export function checked(row: OptionRow, path: string, value: unknown): unknown {
  if (row.words?.some((word) => word === value) || row.accepts?.(value)) return value;
  switch (row.kind) {
    case 'number':
    case 'integer':
      return checkedNumber(row, path, value);
    case 'list':
      return row.count !== undefined && typeof value === 'number'
        ? checkedNumber({ kind: 'integer', doc: row.doc, ...row.count }, path, value)
        : checkedList(row, path, value);
    case 'rules':
      return checkedRules(row, path, value);
    case 'schema':
      if (typeof value === 'boolean') return value;
      if (isObject(value)) return frozenCopy(value);
      break;
    case 'word':
      break;
    default: {
      const fits = typeof value === row.kind && (row.pattern?.test(String(value)) ?? true);
      if (fits) return value;
    }
  }
  throw mustBe(row, path, value);
}

function checkedNumber(row: NumberRow, path: string, value: unknown): number {
  const { min = Number.NEGATIVE_INFINITY, max = Number.MAX_SAFE_INTEGER } = row;
  if (typeof value !== 'number' || Number.isNaN(value)) throw mustBe(row, path, value);
  if (row.kind === 'integer' && Number.isFinite(value) && !Number.isInteger(value))
    throw mustBe(row, path, value);
  if (value < min || value > max) {
    const bounds =
      row.max === undefined || max === Number.POSITIVE_INFINITY
        ? `at least ${min}`
        : `between ${min} and ${max}`;
    throw new UsageError(`${path} must be ${bounds}, got ${value}`);
  }
  return value;
}

function checkedList(row: ListRow, path: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw mustBe(row, path, value);
  const list = value.map((item: unknown): string => {
    if (typeof item === 'string' && (row.items?.includes(item) ?? true) && (row.pattern?.test(item) ?? true))
      return item;
    const hint = typeof item === 'string' ? didYouMean(item, row.items ?? []) : '';
    throw new UsageError(
      `${path} has an entry it may not have, ${shown(item)}${hint || ` (it must be ${describe(row)})`}`,
    );
  });
  if (new Set(list).size < list.length)
    throw new UsageError(`${path} names an entry twice, got ${shown(value)}`);
  return Object.freeze(list);
}

function checkedRules(row: RulesRow, path: string, value: unknown): Readonly<Values> {
  if (!isObject(value)) throw mustBe(row, path, value);
  const rules = Object.entries(value).map(([pattern, given]) => [
    pattern,
    checkedRule(row.rows, `${path}["${pattern}"].`, given),
  ]);
  return Object.freeze(Object.fromEntries(rules));
}

// A rule gets no defaults: for a key that is absent, the next less specific rule decides.
function checkedRule(table: OptionTable, where: string, given: unknown): Readonly<Values> {
  const values = ownEntries(given, where).filter(([, value]) => value !== undefined);
  const checkedValues = values.map(([name, value]) => {
    const row = Object.hasOwn(table, name) ? table[name] : undefined;
    if (row === undefined) throw unknownInRule(table, where, name);
    if (row.kind !== 'group') return [name, checked(row, where + name, value)];
    return [
      name,
      typeof value === 'boolean' && row.off ? value : checkedRule(row.rows, `${where}${name}.`, value),
    ];
  });
  const rule: Readonly<Values> = Object.freeze(Object.fromEntries(checkedValues));
  for (const [name, row] of Object.entries(table)) {
    if (row.kind !== 'group' && row.required && rule[name] === undefined)
      throw new UsageError(`${where}${name} is missing: it must be ${describe(row)}`);
  }
  return rule;
}

function unknownInRule(table: OptionTable, where: string, name: string): UsageError {
  const known = optionRows(table).map(({ path }) => path);
  const deeper = known.find((path) => path.endsWith(`.${name}`));
  const hint = deeper === undefined ? didYouMean(name, known) : `; did you mean "${deeper}"?`;
  return new UsageError(`unknown option ${where}${name}${hint}`);
}

function frozenCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy));
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, frozenCopy(inner)])),
  );
}

function mustBe(row: OptionRow, path: string, value: unknown): UsageError {
  const hint = typeof value === 'string' ? didYouMean(value, (row.words ?? []).map(String)) : '';
  const got = row.secret ? '' : `, got ${shown(value)}`;
  return new UsageError(`${path} must be ${describe(row)}${got}${row.kind === 'word' ? hint : ''}`);
}

/** The values that an option takes, in words: `a number of milliseconds`. */
export function describe(row: OptionRow): string {
  const words = (row.words ?? []).map((word) => JSON.stringify(word));
  const count = row.kind === 'list' && row.count !== undefined ? [`a number of ${row.count.unit}`] : [];
  const all = row.kind === 'word' ? words : [...words, ...count, describeKind(row)];
  return all.length < 3 ? all.join(' or ') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}

function describeKind(row: OptionRow): string {
  switch (row.kind) {
    case 'number':
      return row.unit ? `a number of ${row.unit}` : 'a number';
    case 'integer':
      return row.unit ? `a whole number of ${row.unit}` : 'a whole number';
    case 'boolean':
      return 'true or false';
    case 'list':
      return `a list of ${row.items?.map((item) => `"${item}"`).join(', ') ?? row.what ?? 'strings'}`;
    case 'schema':
      return 'a JSON schema';
    case 'rules':
      return row.what ?? 'an object of rules by channel pattern';
    default:
      return row.what ?? 'a string';
  }
}
