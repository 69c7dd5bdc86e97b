import type { Clock } from '../../lib/clock.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { complete } from './all-nodes.ts';

/** Items that are looked at in one turn of the event loop, so that a long list does not delay others. */
const PER_TURN = 1000;

/** What a page is a part of. */
interface List<T> {
  readonly all: Iterable<T>;
  keyOf(item: T): string;
  isWanted?(item: T): boolean;
}

/** The part of a list that is asked for. */
export interface PageQuery {
  /** Key of the last item of the page before. */
  readonly after?: string;
  readonly limit?: number;
}

/** A part of a list, in the order of its keys. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
}

/** The parameters of a query for a page. `what` names the key of an item. */
export const pageParameters = (what: string) => ({
  after: { type: 'string', minLength: 1, description: `The \`next\` of the page before: its last ${what}.` },
  limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'Most items of the page.' },
});

/** The fields of an answer with a page. */
export const pageAnswer = (name: string, item: object) => ({
  type: 'object',
  properties: {
    [name]: { type: 'array', items: item, maxItems: 1000 },
    next: { type: 'string', description: 'The `after` of the next page. Absent on the last page.' },
    complete,
  },
  required: [name],
  additionalProperties: false,
});

/**
 * The items with the lowest keys above `after`. Whatever is added or removed meanwhile, pages that follow each other have each item that
 * is there all the time exactly once. Takes several turns of the event loop for a long list, and memory for one page.
 */
export async function pageOf<T>(
  { all, keyOf, isWanted = () => true }: List<T>,
  { after = '', limit = 100 }: PageQuery,
  clock: Pick<Clock, 'soon'>,
): Promise<Page<T>> {
  const lowest = new Lowest<T>(after, limit + 1);
  let seen = 0;
  for (const item of all) {
    seen += 1;
    if (seen % PER_TURN === 0) await new Promise<void>((resolve) => clock.soon(resolve));
    if (isWanted(item)) lowest.add(keyOf(item), item);
  }
  const found = lowest.all;
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ item }) => item),
    ...(found.length > limit && last !== undefined && { next: last.key }),
  };
}

/**
 * The page of a list that several nodes have parts of, from the pages of each. Items with the same key become one: `join` adds the
 * second to the first.
 */
export function mergedPage<T>(
  pages: readonly Page<T>[],
  { limit = 100 }: PageQuery,
  keyOf: (item: T) => string,
  join: (one: T, other: T) => T = (one) => one,
): Page<T> {
  const [first] = pages;
  if (pages.length === 1 && first !== undefined) return first;
  const joined = new Map<string, T>();
  for (const item of pages.flatMap(({ items }) => items)) {
    const key = keyOf(item);
    const known = joined.get(key);
    joined.set(key, known === undefined ? item : join(known, item));
  }
  const keys = [...joined.keys()].sort((one, other) => (one < other ? -1 : 1));
  const shown = keys.slice(0, limit);
  const last = shown.at(-1);
  const isCut = keys.length > limit || pages.some(({ next }) => next !== undefined);
  return {
    items: shown.flatMap((key) => joined.get(key) ?? []),
    ...(isCut && last !== undefined && { next: last }),
  };
}

/** Reads the page of another node. Undefined unless each item satisfies `isItem`. */
export function readPage<T>(answer: JsonObject, isItem: (item: JsonObject) => boolean): Page<T> | undefined {
  const { items, next } = answer;
  if (!Array.isArray(items) || !items.every((item) => isObject(item) && isItem(item))) return undefined;
  return { items, ...(typeof next === 'string' && { next }) };
}

interface Keyed<T> {
  readonly key: string;
  readonly item: T;
}

/** Keeps the items with the lowest keys above `after`. */
class Lowest<T> {
  readonly #after: string;
  readonly #most: number;
  #kept: Keyed<T>[] = [];
  // The highest key that can still be among the lowest.
  #bound: string | undefined;

  constructor(after: string, most: number) {
    this.#after = after;
    this.#most = most;
  }

  get all(): readonly Keyed<T>[] {
    this.#cut();
    return this.#kept;
  }

  add(key: string, item: T): void {
    if (key <= this.#after || (this.#bound !== undefined && key >= this.#bound)) return;
    this.#kept.push({ key, item });
    if (this.#kept.length >= 2 * this.#most) this.#cut();
  }

  #cut(): void {
    this.#kept.sort((one, other) => (one.key < other.key ? -1 : 1));
    if (this.#kept.length <= this.#most) return;
    this.#kept.length = this.#most;
    this.#bound = this.#kept.at(-1)?.key;
  }
}
