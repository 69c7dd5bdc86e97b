import { segmentsOf } from '../../protocol/channel.ts';

/** What a tree holds. The stamp is the tree's own mark, by which each match visits a subscriber once (DL-1) without a set. */
export interface Stamped {
  stamp: number;
}

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  readonly subscribers: Set<T>;
}

/** How many matches are kept at hand, over all channels; past that all are forgotten. A channel itself weighs some. */
const MAX_REMEMBERED = 262_144;
const CHANNEL_WEIGHT = 16;

let stamp = 0;

/**
 * Subscriptions by channel name or pattern. One descent finds all that match a channel, and builds no strings:
 * `*` and `**` are children like any other segment, looked up beside the segment itself.
 */
export class ChannelTree<T extends Stamped> {
  readonly #root: Node<T> = newNode();
  // Matches of channels somebody listens to, until any subscription changes. Channels nobody listens to leave nothing (CH-10).
  #remembered = new Map<string, readonly T[]>();
  #rememberedSize = 0;
  #nodes = 0;

  /** Nodes in use: 0 when nothing is subscribed. */
  get nodes(): number {
    return this.#nodes;
  }

  /** Adds a subscriber; false when it was there. */
  add(pattern: string, subscriber: T): boolean {
    let node = this.#root;
    for (const segment of segmentsOf(pattern)) {
      let child = node.children.get(segment);
      if (child === undefined) {
        child = newNode();
        node.children.set(segment, child);
        this.#nodes += 1;
      }
      node = child;
    }
    if (node.subscribers.has(subscriber)) return false;
    node.subscribers.add(subscriber);
    this.#forget();
    return true;
  }

  /** Removes a subscriber, and prunes what that leaves empty; false when it was not there. */
  remove(pattern: string, subscriber: T): boolean {
    const removed = this.#remove(this.#root, segmentsOf(pattern), 0, subscriber);
    if (removed) this.#forget();
    return removed;
  }

  /** Whether anyone subscribes to exactly this pattern. */
  has(pattern: string): boolean {
    let node: Node<T> | undefined = this.#root;
    for (const segment of segmentsOf(pattern)) node = node?.children.get(segment);
    return node !== undefined && node.subscribers.size > 0;
  }

  /** All that match a channel name, each once. The answer is shared: do not change it, nor keep it. */
  match(channel: string): readonly T[] {
    const remembered = this.#remembered.get(channel);
    if (remembered !== undefined) return remembered;

    stamp += 1;
    const found: T[] = [];
    descend(this.#root, channel, 1, found);
    if (found.length > 0) this.#remember(channel, found);
    return found;
  }

  #remember(channel: string, found: readonly T[]): void {
    const weight = CHANNEL_WEIGHT + found.length;
    if (this.#rememberedSize + weight > MAX_REMEMBERED) this.#forget();
    this.#remembered.set(channel, found);
    this.#rememberedSize += weight;
  }

  #forget(): void {
    if (this.#rememberedSize === 0) return;
    this.#remembered = new Map();
    this.#rememberedSize = 0;
  }

  #remove(node: Node<T>, segments: readonly string[], depth: number, subscriber: T): boolean {
    const segment = segments[depth];
    if (segment === undefined) return node.subscribers.delete(subscriber);
    const child = node.children.get(segment);
    if (child === undefined || !this.#remove(child, segments, depth + 1, subscriber)) return false;
    if (child.subscribers.size === 0 && child.children.size === 0) {
      node.children.delete(segment);
      this.#nodes -= 1;
    }
    return true;
  }
}

function newNode<T>(): Node<T> {
  return { children: new Map(), subscribers: new Set() };
}

// CH-3: `*` stands for exactly the last segment, `**` for it and everything below. The name is cut as far as the tree goes.
function descend<T extends Stamped>(node: Node<T>, channel: string, at: number, found: T[]): void {
  const { children } = node;
  if (children.size === 0) return;
  const end = channel.indexOf('/', at);
  collect(children.get('**'), found);
  if (end === -1) {
    collect(children.get('*'), found);
    collect(children.get(channel.slice(at)), found);
    return;
  }
  const child = children.get(channel.slice(at, end));
  if (child !== undefined) descend(child, channel, end + 1, found);
}

function collect<T extends Stamped>(node: Node<T> | undefined, found: T[]): void {
  if (node === undefined) return;
  for (const subscriber of node.subscribers) {
    if (subscriber.stamp === stamp) continue;
    subscriber.stamp = stamp;
    found.push(subscriber);
  }
}
