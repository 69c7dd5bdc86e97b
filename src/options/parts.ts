import type { Given, OptionTable } from './table.ts';

/** Options by the title under which people read of them. */
export interface Sections {
  readonly [title: string]: OptionTable;
}

/** A part of the server that has options, or says something of channels by their rules. */
export interface OptionPart {
  readonly sections?: Sections;
  /** What a rule may say of the channels of its pattern. */
  readonly ruleRows?: OptionTable;
  /** Whether such rules mean something on service channels, whose messages reach no subscriber. */
  readonly rulesService?: true;
  /** Refuses options that contradict each other. Throws `UsageError`. */
  refuse?(options: object): void;
  /** Makes of its part of a rule, as it was written in this place, what the server works with. */
  readRule?(given: object, place: string, options: object): object;
}

/** What is all of these at once. */
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

/** What a rule may say, by all parts. */
export type RuleRowsOf<Parts extends readonly OptionPart[]> = AllOf<
  Parts[number] extends infer Part ? (Part extends { ruleRows: infer Rows } ? Rows : never) : never
>;

/** A rule as the parts read it. */
export type RuleOf<Parts extends readonly OptionPart[]> = AllOf<
  Parts[number] extends infer Part
    ? Part extends { readRule: (...given: never) => infer Rule }
      ? Rule
      : Part extends { ruleRows: infer Rows }
        ? Given<Rows>
        : never
    : never
>;

/** Puts the options of all parts into one table, in the order of these titles. */
export function tableOf<const Parts extends readonly OptionPart[]>(
  titles: readonly string[],
  parts: Parts,
): TableOf<Parts>;
export function tableOf(titles: readonly string[], parts: readonly OptionPart[]): object {
  return merged(Object.values(sectionsOf(titles, parts)));
}

/** Puts what the parts let rules say into one table. */
export function ruleRowsOf<const Parts extends readonly OptionPart[]>(parts: Parts): RuleRowsOf<Parts>;
export function ruleRowsOf(parts: readonly OptionPart[]): object {
  return merged(parts.map(({ ruleRows = {} }) => ruleRows));
}

/** The options of all parts by title, the titles in this order. */
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

/** Two parts with an option of one name would read one another's. */
function merged(tables: readonly OptionTable[]): OptionTable {
  const all: Record<string, OptionTable[string]> = {};
  for (const [name, row] of tables.flatMap((table) => Object.entries(table))) {
    if (Object.hasOwn(all, name)) throw new Error(`two parts have an option "${name}"`);
    all[name] = row;
  }
  return all;
}
