import { isObject } from '../../protocol/message.ts';
import { tokensOf } from '../../lib/json-pointer.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { type Members, membersOf, overlap } from './schema-members.ts';
import { type Keywords, partsOf } from './schema-parts.ts';

/** Most paths within a schema that are followed. */
const MAX_PATHS = 10_000;

/** An edge of the graph: a subschema, and the members of the data that it checks. */
interface Step {
  readonly to: Keywords;
  readonly members: Members;
}

/**
 * Refuses a schema that refers to itself by two paths for the same part of the data: each level of nesting in a message
 * would double the time. Throws `UsageError` with its path, and what to write instead.
 */
export function refuseDoubling(schema: unknown, place: string): void {
  if (!isObject(schema)) return;
  const graph = new SchemaGraph(schema, place);
  for (const [part, where] of graph.places) {
    if (!graph.doubles(part)) continue;
    throw new UsageError(
      `${where} refers to itself by two paths for the same part of the data, so that each level of nested data doubles the time: put one $ref beside anyOf, oneOf and allOf, instead of one in several of their branches, or begin the branches with a required property whose const differs`,
    );
  }
}

/** The subschemas of a schema, with edges to those that check members of the same data. */
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

  /** Whether two paths lead from a subschema to itself for the same nested data. */
  doubles(part: Keywords): boolean {
    const steps = this.#stepsBack(part, part);
    return steps.some((a, at) =>
      steps.slice(at + 1).some((b) => overlap(a.members, b.members) && this.#meet(a.to, b.to, part)),
    );
  }

  // Follows both paths through the same data; true when both reach `end` at once.
  #meet(start: Keywords, otherStart: Keywords, end: Keywords): boolean {
    const pairs: [Keywords, Keywords][] = [[start, otherStart]];
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

  // One step for each path: two branches that lead to the same subschema are two steps.
  #stepsOf(part: Keywords): readonly Step[] {
    const known = this.#steps.get(part);
    if (known !== undefined) return known;
    const steps: Step[] = [];
    for (const same of this.#forSameData(part, []))
      for (const [to, members] of membersOf(same)) if (isObject(to)) steps.push({ to, members });
    this.#steps.set(part, steps);
    return steps;
  }

  #forSameData(part: Keywords, path: readonly Keywords[]): Keywords[] {
    if (path.includes(part)) return [];
    const all = [part];
    for (const next of this.#branchesOf(part)) {
      all.push(...this.#forSameData(next, [...path, part]));
      if (all.length > MAX_PATHS)
        throw new UsageError(
          `${this.places.get(part)} has more than ${MAX_PATHS} paths through its branches: repeat fewer $ref in them`,
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

  // A reference that is not found belongs to another document, such as a draft. To be safe, it counts as the root.
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

/** The schema at a JSON pointer behind `#`. */
function at(root: Keywords, reference: string): Keywords | undefined {
  let value: unknown = root;
  for (const key of tokensOf(decodeURIComponent(reference))) {
    value = Array.isArray(value) ? value[Number(key)] : isObject(value) ? value[key] : undefined;
  }
  return isObject(value) ? value : undefined;
}
