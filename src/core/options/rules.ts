import { segmentsOf } from '../../protocol/channel.ts';
import type { OverflowRule } from '../../ports/outgoing-event.ts';
import type { Retention } from '../../ports/history-store.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { compileSchema, type DataSchema } from './data-schema.ts';
import type { GivenRule } from './rule-table.ts';

/** What is set for a channel. What is unset is as the server's options say. */
export interface ChannelRule {
  readonly lazy?: boolean | number | undefined;
  readonly broadcastToPublisher?: boolean | undefined;
  /** How much of it is kept; nothing with `false`. */
  readonly history?: Retention | false | undefined;
  /** The same object for all channels of one rule. */
  readonly overflow?: OverflowRule | undefined;
  readonly schema?: DataSchema | undefined;
}

/** A place in the tree of names and patterns, with what was set there and what that comes to. */
interface Node {
  readonly children: Map<string, Node>;
  /** Set for the channel that ends here, for `*` and for `**` below it. */
  name: ChannelRule | undefined;
  star: ChannelRule | undefined;
  stars: ChannelRule | undefined;
  /** What holds for the channel that ends here. */
  exact: ChannelRule;
  /** What holds for a channel one segment longer, and for a longer one, that no child stands for. */
  next: ChannelRule;
  below: ChannelRule;
}

const none: ChannelRule = Object.freeze({});

/**
 * Finds what is set for a channel: of all rules that match, the most specific one wins, key by key. A name stands above any
 * pattern, a longer pattern above a shorter one, `*` above `**`. All is merged beforehand: finding a rule makes no list and no
 * object, and leaves nothing behind (CH-10).
 */
export class ChannelRules {
  /** Each rule as it was given. */
  readonly given: Readonly<Record<string, GivenRule>>;
  /** Whether any rule asks for history. */
  readonly hasHistory: boolean;
  readonly #isEmpty: boolean;
  /** Whether any rule has a schema. */
  readonly hasSchema: boolean;
  readonly #root = newNode();

  /** `kept` is what `history: true` means. Throws `UsageError` for rules that contradict themselves, and for a bad schema. */
  constructor(given: Readonly<Record<string, GivenRule>>, kept: Retention) {
    const rules = Object.entries(given).map(([pattern, rule]) => read(rule, `channels["${pattern}"]`, kept));
    Object.keys(given).forEach((pattern, at) => {
      put(this.#root, segmentsOf(pattern), rules[at] ?? none);
    });
    settle(this.#root, none, none);
    this.given = given;
    this.#isEmpty = rules.length === 0;
    this.hasHistory = rules.some(({ history }) => history);
    this.hasSchema = rules.some(({ schema }) => schema !== undefined);
  }

  /** What is set for a channel, by all rules that match it. */
  of(channel: string): ChannelRule {
    if (this.#isEmpty) return none;
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

function newNode(): Node {
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

function put(root: Node, segments: readonly string[], rule: ChannelRule): void {
  let node = root;
  for (const segment of segments) {
    if (segment === '*') node.star = rule;
    else if (segment === '**') node.stars = rule;
    else node = childOf(node, segment);
  }
  const last = segments.at(-1);
  if (last !== '*' && last !== '**') node.name = rule;
}

function childOf(node: Node, segment: string): Node {
  const child = node.children.get(segment) ?? newNode();
  node.children.set(segment, child);
  return child;
}

function settle(node: Node, below: ChannelRule, next: ChannelRule): void {
  node.exact = merged(next, node.name);
  node.below = merged(below, node.stars);
  node.next = merged(node.below, node.star);
  for (const child of node.children.values()) settle(child, node.below, node.next);
}

const merged = (general: ChannelRule, special: ChannelRule | undefined): ChannelRule =>
  special === undefined ? general : Object.freeze({ ...general, ...special });

function read(given: GivenRule, place: string, kept: Retention): ChannelRule {
  const { history, overflow, schema, ...rest } = given;
  return {
    ...rest,
    ...(history !== undefined && { history: retentionOf(history, kept) }),
    ...(overflow !== undefined && { overflow: checkedOverflow(overflow, `${place}.overflow`) }),
    ...(schema !== undefined && { schema: compileSchema(schema, `${place}.schema`) }),
  };
}

function retentionOf(history: NonNullable<GivenRule['history']>, kept: Retention): Retention | false {
  if (history === false) return false;
  const { maxEvents = kept.maxEvents, maxAge = kept.maxAge } = history === true ? kept : history;
  return Object.freeze({ maxEvents, maxAge });
}

function checkedOverflow(overflow: OverflowRule, place: string): OverflowRule {
  const { action, key } = overflow;
  if (action === 'conflate' && key === undefined) {
    throw new UsageError(
      `${place}.key is missing: "conflate" needs to know of what it keeps the newest event, like /symbol`,
    );
  }
  if (action !== 'conflate' && key !== undefined) {
    throw new UsageError(
      `${place}.key is for the action "conflate" alone, not for "${action}": leave it out`,
    );
  }
  return overflow;
}
