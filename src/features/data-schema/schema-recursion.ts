import { isObject } from '../../protocol/message.ts';
import { tokensOf } from '../../lib/json-pointer.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { type Members, membersOf, overlap } from './schema-members.ts';
import { type Keywords, partsOf } from './schema-parts.ts';

/** Ways within a schema that are followed, at most. */
const MAX_WAYS = 10_000;

/** A schema for members of the data that another schema is for. */
interface Step {
  readonly to: Keywords;
  readonly members: Members;
}

/**
 * Refuses a schema that comes back to itself by two ways for the same part of the data: each level of nesting in a message
 * would double the time. Throws `UsageError` with its place, and what to write instead.
 */
export function refuseDoubling(schema: unknown, place: string): void {
  if (!isObject(schema)) return;
  const graph = new SchemaGraph(schema, place);
  for (const [part, where] of graph.places) {
    if (!graph.doubles(part)) continue;
    throw new UsageError(
      `${where} comes back to itself by two ways for the same part of the data, so that each level of nested data doubles the time: let one $ref stand beside anyOf, oneOf and allOf, instead of one in several of their branches, or let the branches begin with a required property whose const differs`,
    );
  }
}

/** The parts of a schema, and which of them are for members of the data that a part is for. */
class SchemaGraph {
  readonly places = new Map<Keywords, string>();
  readonly #root: Keywords;
  readonly #named = new Map<string, Keywords>();
  readonly #steps = new Map<Keywords, readonly Step[]>();
  readonly #reached = new Map<Keywords, ReadonlySet<Keywords>>();

  constructor(root: Keywords, place: string) {
    this.#root = root;
    this.#note(root, place);
  }

  /** Whether there are two ways from a part to itself for the same nested data. */
  doubles(part: Keywords): boolean {
    const steps = this.#stepsBack(part, part);
    return steps.some((one, at) =>
      steps
        .slice(at + 1)
        .some((other) => overlap(one.members, other.members) && this.#meet(one.to, other.to, part)),
    );
  }

  // Both go on through the same data until both are at the end.
  #meet(one: Keywords, other: Keywords, end: Keywords): boolean {
    const pairs: [Keywords, Keywords][] = [[one, other]];
    const seen = new Map<Keywords, Set<Keywords>>();
    for (const [left, right] of pairs) {
      if (left === end && right === end) return true;
      const known = seen.get(left) ?? new Set();
      if (known.has(right)) continue;
      seen.set(left, known.add(right));
      for (const a of this.#stepsBack(left, end))
        for (const b of this.#stepsBack(right, end))
          if (overlap(a.members, b.members)) pairs.push([a.to, b.to]);
    }
    return false;
  }

  #stepsBack(from: Keywords, end: Keywords): readonly Step[] {
    return this.#stepsOf(from).filter(({ to }) => this.#reachedFrom(to).has(end));
  }

  #reachedFrom(start: Keywords): ReadonlySet<Keywords> {
    const known = this.#reached.get(start);
    if (known !== undefined) return known;
    const reached = new Set([start]);
    for (const part of reached) for (const { to } of this.#stepsOf(part)) reached.add(to);
    this.#reached.set(start, reached);
    return reached;
  }

  // One for each way: two branches that lead to the same part are two.
  #stepsOf(part: Keywords): readonly Step[] {
    const known = this.#steps.get(part);
    if (known !== undefined) return known;
    const steps: Step[] = [];
    for (const same of this.#forSameData(part, []))
      for (const [to, members] of membersOf(same)) if (isObject(to)) steps.push({ to, members });
    this.#steps.set(part, steps);
    return steps;
  }

  #forSameData(part: Keywords, way: readonly Keywords[]): Keywords[] {
    if (way.includes(part)) return [];
    const all = [part];
    for (const next of this.#branchesOf(part)) {
      all.push(...this.#forSameData(next, [...way, part]));
      if (all.length > MAX_WAYS)
        throw new UsageError(
          `${this.places.get(part)} leads on by more than ${MAX_WAYS} ways: repeat fewer $ref in its branches`,
        );
    }
    return all;
  }

  #branchesOf(part: Keywords): Keywords[] {
    const { allOf, anyOf, oneOf, not, if: condition, then, else: otherwise } = part;
    const lists = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
    const maps = [part.dependencies, part.dependentSchemas].flatMap((map) =>
      isObject(map) ? Object.values(map) : [],
    );
    const references = [part.$ref, part.$dynamicRef, part.$recursiveRef].flatMap((ref) =>
      typeof ref === 'string' ? [this.#resolve(ref)] : [],
    );
    return [...references, ...lists, ...maps, not, condition, then, otherwise].filter(isObject);
  }

  // What cannot be found is another's, such as that of a draft; to be safe it is taken for the whole.
  #resolve(reference: string): Keywords {
    const { $id } = this.#root;
    const isOwn = typeof $id === 'string' && $id !== '' && reference.startsWith($id);
    const local = isOwn ? reference.slice($id.length) : reference;
    return this.#named.get(local) ?? at(this.#root, local) ?? this.#root;
  }

  #note(part: unknown, place: string): void {
    if (!isObject(part) || this.places.has(part)) return;
    this.places.set(part, place);
    if (typeof part.$id === 'string') this.#named.set(part.$id, part);
    for (const anchor of [part.$anchor, part.$dynamicAnchor])
      if (typeof anchor === 'string') this.#named.set(`#${anchor}`, part);
    for (const [next, where] of partsOf(part, place)) this.#note(next, where);
  }
}

/** The schema that a JSON pointer behind a `#` leads to. */
function at(root: Keywords, reference: string): Keywords | undefined {
  let value: unknown = root;
  for (const key of tokensOf(decodeURIComponent(reference))) {
    value = Array.isArray(value) ? value[Number(key)] : isObject(value) ? value[key] : undefined;
  }
  return isObject(value) ? value : undefined;
}
