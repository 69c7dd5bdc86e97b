/** A subscriber in an index. `match` writes the stamp, so that it visits each subscriber once (DL-1) without a set. */
export interface Stamped {
  stamp: number;
}

/** The subscribers of one name or pattern. Most have one subscriber; the second one creates the set. */
interface Entry<T> {
  /** The one string that all subscribers keep. */
  readonly pattern: string;
  only: T | undefined;
  many: Set<T> | undefined;
}

type Entries<T> = Map<string, Entry<T>>;

// Bytes, rounded up. Measured with V8 12 just after a hash table has doubled (spec/memory/subscriptions.spec.ts).
/** An entry and its slot in a map, without the text. */
const ENTRY = 192;
/** A set with two subscribers. */
const SET = 240;
/** Each further subscriber in such a set. */
const PLACE = 48;

/** Most bytes of cached matches, over all channels. Past that, the whole cache is cleared. */
const MAX_CACHED = 4_194_304;
/** Bytes of one cached match: a slot in a map and a list, without the name. */
const MATCH = 320;

let stamp = 0;

/** Memory of a subscription that nobody else has, with its slot in the subscriber's list of patterns. Bytes. */
export const bytesOf = (pattern: string): number => ENTRY + pattern.length;

/**
 * Subscribers by channel name or pattern. The key of a pattern is the text before its `*` or `**`; `match` looks up the
 * parts of the channel name that end before a `/`. So a name takes memory for its text only, not for each segment.
 */
export class ChannelIndex<T extends Stamped> {
  readonly #names: Entries<T> = new Map();
  readonly #oneBelow: Entries<T> = new Map();
  readonly #allBelow: Entries<T> = new Map();
  /** Number of `**` patterns by the count of segments before the `**`: a match looks only at depths that have some. */
  readonly #depths: number[] = [];
  #bytes = 0;
  // Cleared when any subscription changes. Channels without subscribers are not cached (CH-10).
  #cached = new Map<string, readonly T[]>();
  #cachedBytes = 0;

  /** Names and patterns in use: 0 when nothing is subscribed. */
  get size(): number {
    return this.#names.size + this.#oneBelow.size + this.#allBelow.size;
  }

  /** Memory of the index, without the subscribers themselves. Bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Each name and pattern with the number of its subscribers. Those added meanwhile may be missing. */
  *counts(): Generator<{ readonly channel: string; readonly sessions: number }> {
    for (const entries of [this.#names, this.#oneBelow, this.#allBelow])
      for (const { pattern, many } of entries.values())
        yield { channel: pattern, sessions: many === undefined ? 1 : many.size };
  }

  /** Adds a subscriber. Returns the string of the pattern that all subscribers share; undefined when already added. */
  add(pattern: string, subscriber: T): string | undefined {
    const [entries, stem] = this.#place(pattern);
    let entry = entries.get(stem);
    if (entry === undefined) {
      entry = { pattern, only: subscriber, many: undefined };
      entries.set(stem, entry);
      this.#bytes += bytesOf(pattern);
      if (entries === this.#allBelow) this.#countDepth(stem, 1);
    } else if (!this.#join(entry, subscriber)) return undefined;
    this.#clearCache();
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
    this.#clearCache();
    return true;
  }

  /** Whether anyone subscribes to exactly this pattern. */
  has(pattern: string): boolean {
    const [entries, stem] = this.#place(pattern);
    return entries.has(stem);
  }

  /** All subscribers that match a channel name, each once. The list is shared: do not change or keep it. */
  match(channel: string): readonly T[] {
    const cached = this.#cached.get(channel);
    if (cached !== undefined) return cached;

    stamp += 1;
    const found: T[] = [];
    if (this.#names.size > 0) collect(this.#names.get(channel), found);
    if (this.#oneBelow.size > 0)
      collect(this.#oneBelow.get(channel.slice(0, channel.lastIndexOf('/'))), found);
    if (this.#allBelow.size > 0) this.#collectAllBelow(channel, found);
    if (found.length > 0) this.#addToCache(channel, found);
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

  #addToCache(channel: string, found: readonly T[]): void {
    const bytes = MATCH + channel.length + 12 * found.length;
    if (this.#cachedBytes + bytes > MAX_CACHED) this.#clearCache();
    this.#cached.set(channel, found);
    this.#cachedBytes += bytes;
  }

  #clearCache(): void {
    if (this.#cachedBytes === 0) return;
    this.#cached = new Map();
    this.#cachedBytes = 0;
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
