/** What an index holds. The stamp is the index's own mark, by which each match visits a subscriber once (DL-1) without a set. */
export interface Stamped {
  stamp: number;
}

/** A name or pattern that somebody subscribes to. Most have one subscriber; a set is made for the second. */
interface Entry<T> {
  /** The text all its subscribers share. */
  readonly pattern: string;
  only: T | undefined;
  many: Set<T> | undefined;
}

type Entries<T> = Map<string, Entry<T>>;

// Measured with V8 12 just after a table has doubled, when half of it is empty, and rounded up (spec/memory/subscriptions.spec.ts). Bytes.
/** An entry and its place in a map, without the text. */
const ENTRY = 192;
/** A set with two subscribers. */
const SET = 240;
/** A place in such a set. */
const PLACE = 48;

/** How much the matches kept at hand may take, over all channels; past that all are forgotten. Bytes. */
const MAX_REMEMBERED = 4_194_304;
/** One such match: a place in a map and a list, without the name. */
const MATCH = 320;

let stamp = 0;

/** What a subscription takes that nobody else has, the subscriber's own list of patterns included. Bytes. */
export const bytesOf = (pattern: string): number => ENTRY + pattern.length;

/**
 * Subscribers by channel name or pattern. Patterns are kept by what stands before their `*` or `**`: a match cuts the channel at
 * each `/` and looks there. A long name takes no more than its text, however many segments it has.
 */
export class ChannelIndex<T extends Stamped> {
  readonly #names: Entries<T> = new Map();
  readonly #oneBelow: Entries<T> = new Map();
  readonly #allBelow: Entries<T> = new Map();
  /** How many patterns there are with `**` behind no segment, one, two and so on: a match looks nowhere else. */
  readonly #depths: number[] = [];
  #bytes = 0;
  // Matches of channels somebody listens to, until any subscription changes. Channels nobody listens to leave nothing (CH-10).
  #remembered = new Map<string, readonly T[]>();
  #rememberedBytes = 0;

  /** Names and patterns in use: 0 when nothing is subscribed. */
  get size(): number {
    return this.#names.size + this.#oneBelow.size + this.#allBelow.size;
  }

  /** What they take in memory, subscribers themselves apart. Bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a subscriber. Gives the text to remember the pattern by, the same for all subscribers; undefined when it was there. */
  add(pattern: string, subscriber: T): string | undefined {
    const [entries, stem] = this.#place(pattern);
    let entry = entries.get(stem);
    if (entry === undefined) {
      entry = { pattern, only: subscriber, many: undefined };
      entries.set(stem, entry);
      this.#bytes += bytesOf(pattern);
      if (entries === this.#allBelow) this.#countDepth(stem, 1);
    } else if (!this.#join(entry, subscriber)) return undefined;
    this.#forget();
    return entry.pattern;
  }

  /** Removes a subscriber; false when it was not there. */
  remove(pattern: string, subscriber: T): boolean {
    const [entries, stem] = this.#place(pattern);
    const entry = entries.get(stem);
    if (entry === undefined) return false;
    if (entry.many !== undefined) {
      if (!this.#leave(entry, entry.many, subscriber)) return false;
    } else {
      if (entry.only !== subscriber) return false;
      entries.delete(stem);
      this.#bytes -= bytesOf(pattern);
      if (entries === this.#allBelow) this.#countDepth(stem, -1);
    }
    this.#forget();
    return true;
  }

  /** Whether anyone subscribes to exactly this pattern. */
  has(pattern: string): boolean {
    const [entries, stem] = this.#place(pattern);
    return entries.has(stem);
  }

  /** All that match a channel name, each once. The answer is shared: do not change it, nor keep it. */
  match(channel: string): readonly T[] {
    const remembered = this.#remembered.get(channel);
    if (remembered !== undefined) return remembered;

    stamp += 1;
    const found: T[] = [];
    if (this.#names.size > 0) collect(this.#names.get(channel), found);
    if (this.#oneBelow.size > 0)
      collect(this.#oneBelow.get(channel.slice(0, channel.lastIndexOf('/'))), found);
    if (this.#allBelow.size > 0) this.#collectAllBelow(channel, found);
    if (found.length > 0) this.#remember(channel, found);
    return found;
  }

  #collectAllBelow(channel: string, found: T[]): void {
    let end = 0;
    for (const patterns of this.#depths) {
      if (patterns > 0) collect(this.#allBelow.get(channel.slice(0, end)), found);
      end = channel.indexOf('/', end + 1);
      if (end === -1) return;
    }
  }

  // CH-3: `*` stands for exactly the last segment, `**` for it and everything below.
  #place(pattern: string): [entries: Entries<T>, stem: string] {
    if (pattern.endsWith('/**')) return [this.#allBelow, pattern.slice(0, -3)];
    if (pattern.endsWith('/*')) return [this.#oneBelow, pattern.slice(0, -2)];
    return [this.#names, pattern];
  }

  #countDepth(stem: string, by: 1 | -1): void {
    const depth = stem.split('/').length - 1;
    while (this.#depths.length <= depth) this.#depths.push(0);
    this.#depths[depth] = (this.#depths[depth] ?? 0) + by;
  }

  #join(entry: Entry<T>, subscriber: T): boolean {
    if (entry.many === undefined) {
      if (entry.only === subscriber) return false;
      entry.many = new Set();
      if (entry.only !== undefined) entry.many.add(entry.only);
      entry.only = undefined;
      this.#bytes += SET;
    } else {
      if (entry.many.has(subscriber)) return false;
      this.#bytes += PLACE;
    }
    entry.many.add(subscriber);
    return true;
  }

  #leave(entry: Entry<T>, many: Set<T>, subscriber: T): boolean {
    if (!many.delete(subscriber)) return false;
    if (many.size > 1) {
      this.#bytes -= PLACE;
      return true;
    }
    [entry.only] = many;
    entry.many = undefined;
    this.#bytes -= SET;
    return true;
  }

  #remember(channel: string, found: readonly T[]): void {
    const bytes = MATCH + channel.length + 12 * found.length;
    if (this.#rememberedBytes + bytes > MAX_REMEMBERED) this.#forget();
    this.#remembered.set(channel, found);
    this.#rememberedBytes += bytes;
  }

  #forget(): void {
    if (this.#rememberedBytes === 0) return;
    this.#remembered = new Map();
    this.#rememberedBytes = 0;
  }
}

function collect<T extends Stamped>(entry: Entry<T> | undefined, found: T[]): void {
  if (entry === undefined) return;
  if (entry.many !== undefined) for (const subscriber of entry.many) visit(subscriber, found);
  else if (entry.only !== undefined) visit(entry.only, found);
}

function visit<T extends Stamped>(subscriber: T, found: T[]): void {
  if (subscriber.stamp === stamp) return;
  subscriber.stamp = stamp;
  found.push(subscriber);
}
