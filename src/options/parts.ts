import type { Given, OptionTable } from './table.ts';

/** Options by the title of their section in the docs. */
export interface Sections {
  readonly [title: string]: OptionTable;
}

/** A part of the server that has options or keys of a channel rule. */
export interface OptionPart {
  readonly sections?: Sections;
  /** The keys of a channel rule that belong to this part. */
  readonly ruleRows?: OptionTable;
  /** Whether these keys have an effect on service channels, whose messages reach no subscriber. */
  readonly rulesService?: true;
  /** Refuses options that contradict each other. Throws `UsageError`. */
  refuse?(options: object): void;
  /** Converts its keys of a rule to the form that the server uses. `place` is the path of the rule, for errors. */
  readRule?(given: object, place: string, options: object): object;
}

/** The intersection of all types of a union. */
export type AllOf<Union> = (Union extends unknown ? (value: Union) => void : never) extends (
  value: infer Each,
) => void
  ? Each
  : never;
type Values<Of> = Of[keyof Of];

/** The options of all parts. */
export type TableOf<Parts extends readonly OptionPart[]> = AllOf<
  Parts[number] extends infer Part
    ? Part extends { sections: infer Titles }
      ? Values<Titles>
      : never
    : never
>;

/** The keys of a channel rule, from all parts. */
export type RuleRowsOf<Parts extends readonly OptionPart[]> = AllOf<
  Parts[number] extends infer Part ? (Part extends { ruleRows: infer Rows } ? Rows : never) : never
>;

/** A channel rule as the parts have converted it. */
export type RuleOf<Parts extends readonly OptionPart[]> = AllOf<
  Parts[number] extends infer Part
    ? Part extends { readRule: (...given: never) => infer Rule }
      ? Rule
      : Part extends { ruleRows: infer Rows }
        ? Given<Rows>
        : never
    : never
>;

/** Merges the options of all parts into one table, in the order of these titles. */
export function tableOf<const Parts extends readonly OptionPart[]>(
  titles: readonly string[],
  parts: Parts,
): TableOf<Parts>;
export function tableOf(titles: readonly string[], parts: readonly OptionPart[]): object {
  return merged(Object.values(sectionsOf(titles, parts)));
}

/** Merges the rule keys of all parts into one table. */
export function ruleRowsOf<const Parts extends readonly OptionPart[]>(parts: Parts): RuleRowsOf<Parts>;
export function ruleRowsOf(parts: readonly OptionPart[]): object {
  return merged(parts.map(({ ruleRows = {} }) => ruleRows));
}

/** The options of all parts by title, in the order of these titles. */
export function sectionsOf(titles: readonly string[], parts: readonly OptionPart[]): Sections {
  const all = parts.flatMap(({ sections = {} }) => Object.entries(sections));
  const names = new Set([...titles, ...all.map(([title]) => title)]);
  return Object.fromEntries(
    Array.from(names, (name) => [
      name,
      merged(all.filter(([title]) => title === name).map(([, table]) => table)),
    ]),
  );
}

/** Throws when two parts have an option of the same name: each would read the other's value. */
function merged(tables: readonly OptionTable[]): OptionTable {
  const all: Record<string, OptionTable[string]> = {};
  for (const [name, row] of tables.flatMap((table) => Object.entries(table))) {
    if (Object.hasOwn(all, name)) throw new Error(`two parts have an option "${name}"`);
    all[name] = row;
  }
  return all;
}
