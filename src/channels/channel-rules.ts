import { segmentsOf } from '../protocol/channel.ts';

/** A node in the tree of names and patterns: the rules set there, and the merged rules. */
interface Node<Rule> {
  readonly children: Map<string, Node<Rule>>;
  /** The rules set for the channel that ends here, for `*` and for `**` below it. */
  name: Rule | undefined;
  star: Rule | undefined;
  stars: Rule | undefined;
  /** Merged rule of the channel that ends here. */
  exact: Partial<Rule>;
  /** Merged rules of channels without a child node: one segment longer (`next`), and longer (`below`). */
  next: Partial<Rule>;
  below: Partial<Rule>;
}

/**
 * Finds the rule of a channel. For each key, the most specific matching rule that sets it wins: a name before a pattern,
 * a longer pattern before a shorter one, `*` before `**`. The rules are merged in advance, so that a lookup creates no
 * object and keeps no state (CH-10).
 */
export class ChannelRules<Rule extends object> {
  /** The rules as given, by name or pattern. */
  readonly byPattern: Readonly<Record<string, Rule>>;
  readonly #none: Partial<Rule> = Object.freeze({});
  readonly isEmpty: boolean;
  readonly #root: Node<Rule> = newNode(this.#none);

  constructor(byPattern: Readonly<Record<string, Rule>>) {
    const rules = Object.entries(byPattern);
    for (const [pattern, rule] of rules) put(this.#root, segmentsOf(pattern), rule, this.#none);
    mergeRules(this.#root, this.#none, this.#none);
    this.byPattern = byPattern;
    this.isEmpty = rules.length === 0;
  }

  /** The merged rule of a channel. */
  of(channel: string): Partial<Rule> {
    if (this.isEmpty) return this.#none;
    let node = this.#root;
    for (let at = 1; ; ) {
      const end = channel.indexOf('/', at);
      const child = node.children.size === 0 ? undefined : node.children.get(segmentAt(channel, at, end));
      if (end === -1) return child === undefined ? node.next : child.exact;
      if (child === undefined) return node.below;
      node = child;
      at = end + 1;
    }
  }
}

const segmentAt = (channel: string, at: number, end: number) =>
  end === -1 ? channel.slice(at) : channel.slice(at, end);

function newNode<Rule>(none: Partial<Rule>): Node<Rule> {
  return {
    children: new Map(),
    name: undefined,
    star: undefined,
    stars: undefined,
    exact: none,
    next: none,
    below: none,
  };
}

function put<Rule>(root: Node<Rule>, segments: readonly string[], rule: Rule, none: Partial<Rule>): void {
  let node = root;
  for (const segment of segments) {
    if (segment === '*') node.star = rule;
    else if (segment === '**') node.stars = rule;
    else node = childOf(node, segment, none);
  }
  const last = segments.at(-1);
  if (last !== '*' && last !== '**') node.name = rule;
}

function childOf<Rule>(node: Node<Rule>, segment: string, none: Partial<Rule>): Node<Rule> {
  const child = node.children.get(segment) ?? newNode(none);
  node.children.set(segment, child);
  return child;
}

function mergeRules<Rule>(node: Node<Rule>, below: Partial<Rule>, next: Partial<Rule>): void {
  node.exact = merged(next, node.name);
  node.below = merged(below, node.stars);
  node.next = merged(node.below, node.star);
  for (const child of node.children.values()) mergeRules(child, node.below, node.next);
}

const merged = <Rule>(general: Partial<Rule>, special: Rule | undefined): Partial<Rule> =>
  special === undefined ? general : Object.freeze({ ...general, ...special });
