import { segmentsOf } from '../../protocol/channel.ts';

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  value?: T | undefined;
}

/** Values by channel name, found by name or pattern: the other way round than in a `ChannelTree`. */
export class ChannelNames<T> {
  readonly #byName = new Map<string, T>();
  readonly #root: Node<T> = { children: new Map() };
  #nodes = 0;

  /** Nodes in use: 0 when no name is left. */
  get nodes(): number {
    return this.#nodes;
  }

  get size(): number {
    return this.#byName.size;
  }

  values(): Iterable<T> {
    return this.#byName.values();
  }

  get(name: string): T | undefined {
    return this.#byName.get(name);
  }

  set(name: string, value: T): void {
    this.#byName.set(name, value);
    let node = this.#root;
    for (const segment of segmentsOf(name)) {
      let child = node.children.get(segment);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(segment, child);
        this.#nodes += 1;
      }
      node = child;
    }
    node.value = value;
  }

  /** Removes the value, and prunes what that leaves empty. */
  delete(name: string): void {
    if (this.#byName.delete(name)) this.#prune(this.#root, segmentsOf(name), 0);
  }

  /** The values of all names that a name or pattern matches (CH-3). */
  matching(pattern: string): T[] {
    const segments = segmentsOf(pattern);
    const last = segments.pop();
    if (last !== '*' && last !== '**') {
      const value = this.get(pattern);
      return value === undefined ? [] : [value];
    }
    let node: Node<T> | undefined = this.#root;
    for (const segment of segments) node = node?.children.get(segment);
    const found: T[] = [];
    if (node !== undefined) collect(node, last === '**', found);
    return found;
  }

  #prune(node: Node<T>, segments: readonly string[], depth: number): void {
    const segment = segments[depth];
    if (segment === undefined) {
      node.value = undefined;
      return;
    }
    const child = node.children.get(segment);
    if (child === undefined) return;
    this.#prune(child, segments, depth + 1);
    if (child.value !== undefined || child.children.size > 0) return;
    node.children.delete(segment);
    this.#nodes -= 1;
  }
}

/** Tells which names a name or pattern matches (CH-3). */
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

function collect<T>(node: Node<T>, deep: boolean, found: T[]): void {
  for (const child of node.children.values()) {
    if (child.value !== undefined) found.push(child.value);
    if (deep) collect(child, deep, found);
  }
}
