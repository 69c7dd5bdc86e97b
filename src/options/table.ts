interface AnyRow {
  readonly doc: string;
  /** Literal values accepted besides what the kind says. */
  readonly words?: readonly (string | boolean)[];
  /** What only code can give, such as a function; its type guard says the type. */
  readonly accepts?: (value: unknown) => boolean;
  /** The same in words: `a function`. */
  readonly inCode?: string;
  /** The name of its type, for the interface that editors show. */
  readonly codeType?: string;
  /** Never printed. */
  readonly secret?: true;
  /** In a group of a rule: the group cannot do without it. */
  readonly required?: true;
}

/** A number, within its bounds. */
export interface NumberRow extends AnyRow {
  readonly kind: 'number' | 'integer';
  readonly default?: number | boolean | undefined;
  readonly unit?: string;
  readonly min?: number;
  /** `Infinity` says that the option may be without limit. */
  readonly max?: number;
  /** The default is one for every so many bytes that the heap may grow to. */
  readonly heapPerOne?: number;
  /** The default is this part of the option it `inherits`. */
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
  readonly default?: string | false | readonly string[] | undefined;
  /** The only strings that may stand in the list. */
  readonly items?: readonly string[];
  readonly pattern?: RegExp;
  /** What the list is of, in words. */
  readonly what?: string;
  /** A whole number may stand for the list. */
  readonly count?: { readonly unit: string; readonly min: number; readonly max: number };
}

interface SchemaRow extends AnyRow {
  readonly kind: 'schema';
  readonly default?: undefined;
}

/** Groups of options by channel name or pattern. */
export interface RulesRow extends AnyRow {
  readonly kind: 'rules';
  readonly default?: Readonly<Record<string, never>>;
  readonly rows: OptionTable;
}

/** One option: its kind, default, bounds and words. Without a default it is unset, or taken from the option it `inherits`. */
export type OptionRow = (NumberRow | PlainRow | ListRow | SchemaRow | RulesRow) & {
  readonly inherits?: string;
};

/** A JSON schema as it is written: an object, or a boolean. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

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

/** What a user may give: any of the options, the groups nested. */
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
