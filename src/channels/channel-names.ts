import { segmentsOf } from '../protocol/channel.ts';
import { LowestFirst, type Ranked } from '../lib/lowest-first.ts';

/** Kept and discarded ids of all names that a name or pattern matches. */
export interface KeptRange {
  /** The lowest id that is kept; infinite when none is. */
  readonly oldest: number;
  /** The highest id that was discarded; -1 when none was. */
  readonly discardedThrough: number;
}

const nothing: KeptRange = { oldest: Number.POSITIVE_INFINITY, discardedThrough: -1 };

/** A name in `ChannelNames`, with its kept and discarded ids. Subclasses add fields. */
export class ChannelEntry implements Ranked, KeptRange {
  readonly name: string;
  slot = 0;
  branch: Pick<Branch<ChannelEntry>, 'moved' | 'discards'> | undefined;
  #oldest = Number.POSITIVE_INFINITY;
  #discardedThrough = -1;

  constructor(name: string) {
    this.name = name;
  }

  get rank(): number {
    return this.#oldest;
  }

  get oldest(): number {
    return this.#oldest;
  }

  get discardedThrough(): number {
    return this.#discardedThrough;
  }

  /** Sets the lowest id that is kept; infinite when none is. */
  keepsFrom(oldest: number): void {
    if (oldest === this.#oldest) return;
    this.#oldest = oldest;
    this.branch?.moved(this);
  }

  /** Marks all ids up to this one as discarded or possibly missing. */
  discards(through: number): void {
    if (through <= this.#discardedThrough) return;
    this.#discardedThrough = through;
    this.branch?.discards(through);
  }
}

/** A node of the tree: the names directly below it, and the child nodes with names below them. */
class Branch<T extends ChannelEntry> implements Ranked {
  readonly parent: Branch<T> | undefined;
  readonly segment: string;
  readonly entries = new LowestFirst<T>();
  slot = 0;
  /** The lowest id below it, at any depth. */
  rank = Number.POSITIVE_INFINITY;
  /** Names below it, at any depth. */
  size = 0;
  // The highest id that was discarded directly below it, and at any depth below it.
  #discardedHere = -1;
  #discardedBelow = -1;
  // Created when needed.
  #branches: Map<string, Branch<T>> | undefined;
  #byRank: LowestFirst<Branch<T>> | undefined;

  constructor(parent?: Branch<T>, segment = '') {
    this.parent = parent;
    this.segment = segment;
  }

  /** Kept and discarded ids of the names that `/*` matches below it, or `/**` if `deep`. */
  range(deep: boolean): KeptRange {
    if (deep) return { oldest: this.rank, discardedThrough: this.#discardedBelow };
    return {
      oldest: this.entries.first?.oldest ?? Number.POSITIVE_INFINITY,
      discardedThrough: this.#discardedHere,
    };
  }

  /** The name below it, at any depth, with the lowest id. */
  get first(): T | undefined {
    const entry = this.entries.first;
    const branch = this.#byRank?.first;
    return branch === undefined || (entry !== undefined && entry.rank <= branch.rank) ? entry : branch.first;
  }

  collect(deep: boolean, found: T[]): void {
    for (const entry of this.entries.items) found.push(entry);
    if (deep) for (const branch of this.#branches?.values() ?? []) branch.collect(true, found);
  }

  child(segment: string): Branch<T> | undefined {
    return this.#branches?.get(segment);
  }

  grow(segment: string): Branch<T> {
    const branch = new Branch<T>(this, segment);
    this.#branches ??= new Map();
    this.#branches.set(segment, branch);
    this.#byRank ??= new LowestFirst();
    this.#byRank.add(branch);
    return branch;
  }

  cut(branch: Branch<T>): void {
    this.#branches?.delete(branch.segment);
    this.#byRank?.remove(branch);
  }

  /** Call it when the lowest id of a name directly below has changed. */
  moved(entry: T): void {
    this.entries.moved(entry);
    this.update();
  }

  /** Recomputes the rank of the node, and those of the nodes above. */
  update(): void {
    const rank = Math.min(
      this.entries.first?.rank ?? Number.POSITIVE_INFINITY,
      this.#byRank?.first?.rank ?? Number.POSITIVE_INFINITY,
    );
    if (rank === this.rank) return;
    this.rank = rank;
    if (this.parent === undefined) return;
    this.parent.#byRank?.moved(this);
    this.parent.update();
  }

  discards(through: number): void {
    this.#discardedHere = Math.max(this.#discardedHere, through);
    let at: Branch<T> | undefined = this;
    while (at !== undefined && at.#discardedBelow < through) {
      at.#discardedBelow = through;
      at = at.parent;
    }
  }

  resize(by: number): void {
    let at: Branch<T> | undefined = this;
    while (at !== undefined) {
      at.size += by;
      at = at.parent;
    }
  }
}

/**
 * Entries by channel name, looked up by name or pattern; a `ChannelIndex` stores patterns and looks up a name. Each node
 * knows the lowest id kept and the highest id discarded below it, so that `range` need not visit the names that match.
 */
export class ChannelNames<T extends ChannelEntry> {
  readonly #byName = new Map<string, T>();
  readonly #root = new Branch<T>();
  // Names that are no channels: no pattern matches them.
  readonly #others = new Branch<T>();
  #nodes = 0;

  /** Nodes of the tree without the root: 0 when no name is left. */
  get nodes(): number {
    return this.#nodes;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** The entry with the lowest id. */
  get first(): T | undefined {
    const [channel, other] = [this.#root.first, this.#others.first];
    return other === undefined || (channel !== undefined && channel.rank <= other.rank) ? channel : other;
  }

  values(): Iterable<T> {
    return this.#byName.values();
  }

  get(name: string): T | undefined {
    return this.#byName.get(name);
  }

  /** Adds the entry of a name that has none yet. */
  add(entry: T): void {
    this.#byName.set(entry.name, entry);
    let branch = isChannel(entry.name) ? this.#root : this.#others;
    for (const segment of segmentsAbove(entry.name)) {
      const child = branch.child(segment);
      if (child === undefined) this.#nodes += 1;
      branch = child ?? branch.grow(segment);
    }
    entry.branch = branch;
    branch.entries.add(entry);
    branch.resize(1);
    branch.update();
    if (entry.discardedThrough >= 0) branch.discards(entry.discardedThrough);
  }

  /** Removes an entry, and the nodes that become empty. The nodes above keep their discarded ids. */
  delete(entry: T): void {
    if (!this.#byName.delete(entry.name)) return;
    let branch = this.#above(entry.name);
    branch?.entries.remove(entry);
    branch?.resize(-1);
    branch?.update();
    while (branch?.parent !== undefined && branch.size === 0) {
      branch.parent.cut(branch);
      this.#nodes -= 1;
      branch = branch.parent;
    }
  }

  /** The entries of all names that a name or pattern matches (CH-3). */
  matching(pattern: string): T[] {
    if (!pattern.endsWith('*')) {
      const entry = this.get(pattern);
      return entry === undefined ? [] : [entry];
    }
    const found: T[] = [];
    this.#above(pattern)?.collect(pattern.endsWith('**'), found);
    return found;
  }

  /** How many names a name or pattern matches. */
  count(pattern: string): number {
    if (!pattern.endsWith('*')) return this.#byName.has(pattern) ? 1 : 0;
    const branch = this.#above(pattern);
    return (pattern.endsWith('**') ? branch?.size : branch?.entries.size) ?? 0;
  }

  /** Kept and discarded ids of all names that a name or pattern matches. */
  range(pattern: string): KeptRange {
    if (!pattern.endsWith('*')) return this.get(pattern) ?? nothing;
    return this.#above(pattern)?.range(pattern.endsWith('**')) ?? nothing;
  }

  /** The node of all segments but the last. */
  #above(pattern: string): Branch<T> | undefined {
    let branch: Branch<T> | undefined = isChannel(pattern) ? this.#root : this.#others;
    for (const segment of segmentsAbove(pattern)) branch = branch?.child(segment);
    return branch;
  }
}

/** Whether a stored name is that of a channel. Records of the server have names without a slash, which no pattern matches. */
export function isChannel(name: string): boolean {
  return name.startsWith('/');
}

function segmentsAbove(name: string): string[] {
  return isChannel(name) ? segmentsOf(name).slice(0, -1) : [];
}

/** Returns a test whether a name or pattern matches a name (CH-3). */
export function matcher(pattern: string): (name: string) => boolean {
  if (pattern.endsWith('/**')) {
    const above = pattern.slice(0, -2);
    return (name) => name.startsWith(above);
  }
  if (pattern.endsWith('/*')) {
    const above = pattern.slice(0, -1);
    return (name) => name.startsWith(above) && !name.includes('/', above.length);
  }
  return (name) => name === pattern;
}
