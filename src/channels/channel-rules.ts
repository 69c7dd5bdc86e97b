import { segmentsOf } from '../protocol/channel.ts';

/** The rule of a channel. */
export interface FoundRule<Rule> {
  /** All rules that apply, merged. */
  readonly rule: Partial<Rule>;
  /** Place of the most specific pattern that applies in `ChannelRules.patterns`. */
  readonly at: number;
}

/** A rule as given, and the place of its pattern. */
interface GivenRule<Rule> {
  readonly rule: Rule;
  readonly at: number;
}

/** A node in the tree of names and patterns: the rules set there, and the merged rules. */
interface Node<Rule> {
  readonly children: Map<string, Node<Rule>>;
  /** The rules set for the channel that ends here, for `*` and for `**` below it. */
  name: GivenRule<Rule> | undefined;
  star: GivenRule<Rule> | undefined;
  stars: GivenRule<Rule> | undefined;
  /** Merged rule of the channel that ends here. */
  exact: FoundRule<Rule>;
  /** Merged rules of channels without a child node: one segment longer (`next`), and longer (`below`). */
  next: FoundRule<Rule>;
  below: FoundRule<Rule>;
}

/**
 * Finds the rule of a channel. For each key, the most specific matching rule that sets it wins: a name before a pattern,
 * a longer pattern before a shorter one, `*` before `**`. The rules are merged in advance, so that a lookup creates no
 * object and keeps no state (CH-10).
 */
export class ChannelRules<Rule extends object> {
  /** The rules as given, by name or pattern. */
  readonly byPattern: Readonly<Record<string, Rule>>;
  /** Names and patterns with a rule, after an empty text that stands for channels without one. */
  readonly patterns: readonly string[];
  readonly isEmpty: boolean;
  readonly #none: FoundRule<Rule> = Object.freeze({ rule: Object.freeze({}), at: 0 });
  readonly #root: Node<Rule> = newNode(this.#none);

  constructor(byPattern: Readonly<Record<string, Rule>>) {
    const rules = Object.entries(byPattern);
    for (const [at, [pattern, rule]] of rules.entries())
      put(this.#root, segmentsOf(pattern), { rule, at: at + 1 }, this.#none);
    mergeRules(this.#root, this.#none, this.#none);
    this.byPattern = byPattern;
    this.patterns = ['', ...Object.keys(byPattern)];
    this.isEmpty = rules.length === 0;
  }

  /** The merged rule of a channel. */
  of(channel: string): Partial<Rule> {
    return this.find(channel).rule;
  }

  /** The most specific name or pattern with a rule that applies to a channel. */
  patternOf(channel: string): string | undefined {
    const { at } = this.find(channel);
    return at === 0 ? undefined : this.patterns[at];
  }

  /** The merged rule of a channel, and where it comes from. */
  find(channel: string): FoundRule<Rule> {
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

function newNode<Rule>(none: FoundRule<Rule>): Node<Rule> {
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

function put<Rule>(
  root: Node<Rule>,
  segments: readonly string[],
  rule: GivenRule<Rule>,
  none: FoundRule<Rule>,
): void {
  let node = root;
  for (const segment of segments) {
    if (segment === '*') node.star = rule;
    else if (segment === '**') node.stars = rule;
    else node = childOf(node, segment, none);
  }
  const last = segments.at(-1);
  if (last !== '*' && last !== '**') node.name = rule;
}

function childOf<Rule>(node: Node<Rule>, segment: string, none: FoundRule<Rule>): Node<Rule> {
  const child = node.children.get(segment) ?? newNode(none);
  node.children.set(segment, child);
  return child;
}

function mergeRules<Rule>(node: Node<Rule>, below: FoundRule<Rule>, next: FoundRule<Rule>): void {
  node.exact = merged(next, node.name);
  node.below = merged(below, node.stars);
  node.next = merged(node.below, node.star);
  for (const child of node.children.values()) mergeRules(child, node.below, node.next);
}

function merged<Rule>(general: FoundRule<Rule>, special: GivenRule<Rule> | undefined): FoundRule<Rule> {
  if (special === undefined) return general;
  return Object.freeze({ rule: Object.freeze({ ...general.rule, ...special.rule }), at: special.at });
}
