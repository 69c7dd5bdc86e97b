import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

interface AnyRow {
  readonly doc: string;
  /** Literal values accepted besides what the kind says. */
  readonly words?: readonly (string | boolean)[];
  /** What only code can give, such as a function; its type guard says the type. */
  readonly accepts?: (value: unknown) => boolean;
  /** The same in words: `a function`. */
  readonly inCode?: string;
  /** Never printed. */
  readonly secret?: true;
}

interface NumberRow extends AnyRow {
  readonly kind: 'number' | 'integer';
  readonly default?: number | boolean | undefined;
  readonly unit?: string;
  readonly min?: number;
  /** `Infinity` says that the option may be without limit. */
  readonly max?: number;
}

interface PlainRow extends AnyRow {
  readonly kind: 'boolean' | 'string' | 'word';
  readonly default?: string | boolean | undefined;
  readonly pattern?: RegExp;
  /** The pattern in words: `a cookie name`. */
  readonly what?: string;
}

interface ListRow extends AnyRow {
  readonly kind: 'list';
  readonly default?: string | readonly string[] | undefined;
  /** The only strings that may stand in the list. */
  readonly items?: readonly string[];
  readonly pattern?: RegExp;
  /** What the list is of, in words. */
  readonly what?: string;
}

interface RulesRow extends AnyRow {
  readonly kind: 'rules';
  readonly default?: Readonly<Record<string, never>>;
  readonly rows: OptionTable;
}

/** One option: its kind, default, bounds and words. Without a default it is unset, or taken from the option it `inherits`. */
export type OptionRow = (NumberRow | PlainRow | ListRow | RulesRow) & { readonly inherits?: string };

/** Options that belong together under one name; `off` says that `false` may stand for the whole group. */
export interface OptionGroup {
  readonly kind: 'group';
  readonly doc: string;
  readonly off?: true;
  readonly rows: OptionTable;
}

/** Options and groups of them, by name. */
export interface OptionTable {
  readonly [name: string]: OptionRow | OptionGroup;
}

type OfKind<Row> = Row extends { kind: 'number' | 'integer' }
  ? number
  : Row extends { kind: 'boolean' }
    ? boolean
    : Row extends { kind: 'string' }
      ? string
      : Row extends { kind: 'list'; items: readonly (infer Item)[] }
        ? readonly Item[]
        : Row extends { kind: 'list' }
          ? readonly string[]
          : Row extends { kind: 'rules'; rows: infer Rows }
            ? { readonly [pattern: string]: Given<Rows> }
            : never;
type OfWords<Row> = Row extends { words: readonly (infer Word)[] } ? Word : never;
type OfCode<Row> = Row extends { accepts: (value: unknown) => value is infer Code } ? Code : never;
type Value<Row> = OfKind<Row> | OfWords<Row> | OfCode<Row>;
type Unset<Row> = Row extends { default: unknown } | { inherits: string } ? never : undefined;

/** What a user may give: any of the options, the groups nested. */
export type Given<Table> = {
  readonly [Name in keyof Table]?:
    | (Table[Name] extends { kind: 'group'; rows: infer Rows }
        ? Given<Rows> | (Table[Name] extends { off: true } ? boolean : never)
        : Value<Table[Name]>)
    | undefined;
};

/** Every option with its value: given, inherited or default. */
export type Resolved<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends { kind: 'group'; rows: infer Rows }
    ? Resolved<Rows> | (Table[Name] extends { off: true } ? false : never)
    : Value<Table[Name]> | Unset<Table[Name]>;
};

/** One option of a table with its three names. */
export interface NamedOption {
  /** As in code and in the file: `websocket.pingInterval`. */
  readonly path: string;
  /** `--websocket-ping-interval` */
  readonly flag: string;
  /** `BAYEUXD_WEBSOCKET_PING_INTERVAL` */
  readonly variable: string;
  readonly row: OptionRow;
}

/** Lists every option of a table in its order, groups opened. */
export function optionRows(table: OptionTable, prefix = ''): NamedOption[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const path = prefix + name;
    if (row.kind !== 'group') return [named(path, row)];
    const rows = optionRows(row.rows, `${path}.`);
    return row.off ? [named(path, { kind: 'boolean', default: true, doc: row.doc }), ...rows] : rows;
  });
}

function named(path: string, row: OptionRow): NamedOption {
  const words = path.replaceAll('.', '-').replace(/[A-Z]+/g, (capitals) => `-${capitals}`);
  const variable = `BAYEUXD_${words.replaceAll('-', '_').toUpperCase()}`;
  return { path, flag: `--${words.toLowerCase()}`, variable, row };
}

/** Fills in a table from what was given. Throws `UsageError` for a name it does not know or a value out of bounds (CF-1). */
export function resolve<Table extends OptionTable>(table: Table, given: unknown): Resolved<Table>;
export function resolve(table: OptionTable, given: unknown): object {
  return resolveGroup(table, given, '', {}, optionRows(table));
}

type Values = Record<string, unknown>;

function resolveGroup(
  table: OptionTable,
  given: unknown,
  prefix: string,
  outer: Readonly<Values>,
  all: readonly NamedOption[],
): Readonly<Values> {
  const values = new Map(ownEntries(given, prefix));
  for (const name of values.keys()) if (!Object.hasOwn(table, name)) throw unknownOption(prefix + name, all);
  const resolved: Values = {};
  for (const [name, row] of Object.entries(table)) {
    if (row.kind === 'group') continue;
    const fallback = row.inherits === undefined ? row.default : outer[row.inherits];
    const value = values.get(name) === undefined ? fallback : values.get(name);
    resolved[name] = value === undefined ? undefined : checked(row, prefix + name, value);
  }
  for (const [name, row] of Object.entries(table)) {
    if (row.kind !== 'group') continue;
    const value = values.get(name);
    const given = value === undefined || (value === true && row.off) ? {} : value;
    const off = value === false && row.off;
    resolved[name] = off ? false : resolveGroup(row.rows, given, `${prefix}${name}.`, resolved, all);
  }
  return Object.freeze(resolved);
}

function ownEntries(given: unknown, prefix: string): [string, unknown][] {
  if (isGroup(given)) return Object.entries(given);
  throw noGroup(prefix.slice(0, -1) || 'options', given);
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Says that a group of options is none. */
export function noGroup(path: string, value: unknown): UsageError {
  return new UsageError(`${path} must be an object of options, got ${shown(value)}`);
}

/** Says that no option has this path, and which one may have been meant. */
export function unknownOption(path: string, all: readonly NamedOption[]): UsageError {
  const paths = all.map((option) => option.path);
  const elsewhere = paths.find((known) => known.endsWith(`.${path}`));
  const hint = elsewhere ? `; did you mean "${elsewhere}"?` : didYouMean(path, paths);
  return new UsageError(`unknown option "${path}"${hint}`);
}

/** Checks one value against its row and gives it back frozen. Throws `UsageError` by the option's name. */
export function checked(row: OptionRow, path: string, value: unknown): unknown {
  if (row.words?.some((word) => word === value) || row.accepts?.(value)) return value;
  switch (row.kind) {
    case 'number':
    case 'integer':
      return checkedNumber(row, path, value);
    case 'list':
      return checkedList(row, path, value);
    case 'rules':
      return checkedRules(row, path, value);
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
  if (!isGroup(value)) throw mustBe(row, path, value);
  const known = optionRows(row.rows);
  const rules = Object.entries(value).map(([pattern, given]): [string, unknown] => {
    const where = `${path}["${pattern}"].`;
    const rule = ownEntries(given, where).filter(([, wanted]) => wanted !== undefined);
    return [
      pattern,
      Object.freeze(
        Object.fromEntries(rule.map(([name, wanted]) => [name, ruled(known, where, name, wanted)])),
      ),
    ];
  });
  return Object.freeze(Object.fromEntries(rules));
}

function ruled(known: readonly NamedOption[], where: string, name: string, value: unknown): unknown {
  const option = known.find(({ path }) => path === name);
  if (option) return checked(option.row, where + name, value);
  throw new UsageError(
    `unknown option ${where}${name}${didYouMean(
      name,
      known.map(({ path }) => path),
    )}`,
  );
}

function mustBe(row: OptionRow, path: string, value: unknown): UsageError {
  const hint = typeof value === 'string' ? didYouMean(value, (row.words ?? []).map(String)) : '';
  const got = row.secret ? '' : `, got ${shown(value)}`;
  return new UsageError(`${path} must be ${describe(row)}${got}${row.kind === 'word' ? hint : ''}`);
}

/** Says in words what an option takes: `a number of milliseconds`. */
export function describe(row: OptionRow): string {
  const words = (row.words ?? []).map((word) => JSON.stringify(word));
  const all = row.kind === 'word' ? words : [...words, describeKind(row)];
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
    case 'rules':
      return 'an object of rules by channel pattern';
    default:
      return row.what ?? 'a string';
  }
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
