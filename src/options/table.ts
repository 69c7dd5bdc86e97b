interface AnyRow {
  readonly doc: string;
  /** Literal values accepted besides those of the kind. */
  readonly words?: readonly (string | boolean)[];
  /** Accepts values that only code can give, such as a function. The type guard gives their type. */
  readonly accepts?: (value: unknown) => boolean;
  /** Those values in words: `a function`. */
  readonly inCode?: string;
  /** The type name of those values, for the interface that editors show. */
  readonly codeType?: string;
  /** Never printed. */
  readonly secret?: true;
  /** Takes the place of the path in the flag and the variable: `redis` for `redis.url`. */
  readonly calledAs?: string;
  /** For a row in a group of a rule: the group must have it. */
  readonly required?: true;
}

/** A number, within its bounds. */
export interface NumberRow extends AnyRow {
  readonly kind: 'number' | 'integer';
  readonly default?: number | boolean | undefined;
  readonly unit?: string;
  readonly min?: number;
  /** With `Infinity`, the option may be unlimited. */
  readonly max?: number;
  /** The default is the heap limit divided by this number of bytes. */
  readonly heapPerOne?: number;
  /** The default is this fraction of the option it `inherits`. */
  readonly part?: number;
}

interface PlainRow extends AnyRow {
  readonly kind: 'boolean' | 'string' | 'word';
  readonly default?: string | boolean | undefined;
  readonly pattern?: RegExp;
  /** The pattern in words: `a cookie name`. */
  readonly what?: string;
}

/** A list of strings. */
export interface ListRow extends AnyRow {
  readonly kind: 'list';
  readonly default?: string | boolean | readonly string[] | undefined;
  /** The only strings that the list may have. */
  readonly items?: readonly string[];
  readonly pattern?: RegExp;
  /** The entries of the list, in words. */
  readonly what?: string;
  /** A whole number may be given instead of the list. */
  readonly count?: { readonly unit: string; readonly min: number; readonly max: number };
}

interface SchemaRow extends AnyRow {
  readonly kind: 'schema';
  readonly default?: undefined;
}

/** Groups of options by channel name or pattern, or by another name. */
export interface RulesRow extends AnyRow {
  readonly kind: 'rules';
  readonly default?: Readonly<Record<string, never>>;
  /** Describes the object in error messages when its keys are not channel patterns: `an object of keys by name`. */
  readonly what?: string;
  readonly rows: OptionTable;
}

/** One option. Without a default it is unset, or has the value of the option it `inherits`. */
export type OptionRow = (NumberRow | PlainRow | ListRow | SchemaRow | RulesRow) & {
  readonly inherits?: string;
};

/** A JSON schema: an object, or a boolean. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** Options under one name. With `off`, `true` or `false` may be given instead of the group; with `unlessGiven`, nothing given is `false`. */
export interface OptionGroup {
  readonly kind: 'group';
  readonly doc: string;
  readonly off?: true;
  readonly unlessGiven?: true;
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
          ? readonly string[] | (Row extends { count: object } ? number : never)
          : Row extends { kind: 'schema' }
            ? JsonSchema
            : Row extends { kind: 'rules'; rows: infer Rows }
              ? { readonly [pattern: string]: Given<Rows> }
              : never;
type OfWords<Row> = Row extends { words: readonly (infer Word)[] } ? Word : never;
type OfCode<Row> = Row extends { accepts: (value: unknown) => value is infer Code } ? Code : never;
type Value<Row> = OfKind<Row> | OfWords<Row> | OfCode<Row>;
type Unset<Row> = Row extends { default: unknown } | { inherits: string } | { heapPerOne: number }
  ? never
  : undefined;

type GivenFor<Row> = Row extends { kind: 'group'; rows: infer Rows }
  ? Given<Rows> | (Row extends { off: true } ? boolean : never)
  : Value<Row>;
type RequiredOf<Table> = {
  [Name in keyof Table]: Table[Name] extends { required: true } ? Name : never;
}[keyof Table];
type Optional<Table> = { readonly [Name in keyof Table]?: GivenFor<Table[Name]> | undefined };

/** The options that a user may give, with nested groups. */
export type Given<Table> = [RequiredOf<Table>] extends [never]
  ? Optional<Table>
  : Optional<Table> & { readonly [Name in RequiredOf<Table>]: GivenFor<Table[Name]> };

/** Every option with its value: given, inherited or default. */
export type Resolved<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends { kind: 'group'; rows: infer Rows }
    ? Resolved<Rows> | (Table[Name] extends { off: true } ? false : never)
    : Value<Table[Name]> | Unset<Table[Name]>;
};

/** One option of a table with its three names. */
export interface NamedOption {
  /** Its name in code and in the configuration file: `websocket.pingInterval`. */
  readonly path: string;
  /** `--websocket-ping-interval` */
  readonly flag: string;
  /** `BAYEUXD_WEBSOCKET_PING_INTERVAL` */
  readonly variable: string;
  readonly row: OptionRow;
}

/** Lists every option of a table in order, with the options inside groups. */
export function optionRows(table: OptionTable, prefix = ''): NamedOption[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const path = prefix + name;
    if (row.kind !== 'group') return [named(path, row)];
    const rows = optionRows(row.rows, `${path}.`);
    return row.off
      ? [named(path, { kind: 'boolean', default: row.unlessGiven !== true, doc: row.doc }), ...rows]
      : rows;
  });
}

function named(path: string, row: OptionRow): NamedOption {
  const words = (row.calledAs ?? path).replaceAll('.', '-').replace(/[A-Z]+/g, (capitals) => `-${capitals}`);
  const variable = `BAYEUXD_${words.replaceAll('-', '_').toUpperCase()}`;
  return { path, flag: `--${words.toLowerCase()}`, variable, row };
}
