/** What may become of an event for a session, in the order of the counters. */
export const fates = ['handedOver', 'confirmed', 'lost', 'returned'] as const;

export type Fate = (typeof fates)[number];

/** Receivers of a publish that are remembered one by one. All are counted. */
const RECEIVERS = 8;

/** Memory of a publish without the text of its channel: numbers, and a reference. Bytes. */
const FIXED = 8 + 8 + 4 + 4 + 4 + 1 + fates.length * 4 + RECEIVERS * 4;
/** Memory for the name of a channel. Longer names leave room for fewer publishes. Bytes. */
const TEXT = 96;

const NAMED = 1;
const DURABLE = 2;

/** Channels whose names are looked up. */
const NAMES = 256;

/** One session that was to receive an event. */
export interface KnownReceiver {
  /** The number of the session. */
  readonly session: number;
  readonly fates: readonly Fate[];
}

/** What is remembered of a publish. */
export interface KnownPublish {
  readonly id: number;
  readonly at: number;
  readonly channel: string;
  /** The number of the session that published; 0 if none did. */
  readonly publisher: number;
  /** Whether it was for sessions by name. */
  readonly isNamed: boolean;
  readonly isDurable: boolean;
  /** Sessions that it was for. */
  readonly matched: number;
  /** How often each happened. */
  readonly counts: Readonly<Record<Fate, number>>;
  /** The first receivers. */
  readonly receivers: readonly KnownReceiver[];
}

/** The latest publishes, in arrays that are made once. */
export class Publishes {
  readonly #capacity: number;
  readonly #maxText: number;
  readonly #at: Float64Array;
  readonly #channels: (string | undefined)[];
  readonly #publishers: Int32Array;
  readonly #kinds: Uint8Array;
  readonly #matched: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #receivers: Int32Array;
  // Four bits for each receiver: its fates.
  readonly #states: Uint32Array;
  #first = 1;
  #next = 1;
  #text = 0;
  // The same text for all publishes to a channel: a new one each time would be work for the garbage collector.
  #names = new Map<string, string>();

  constructor(maxBytes: number) {
    const capacity = Math.floor(maxBytes / (FIXED + TEXT));
    this.#capacity = capacity;
    this.#maxText = capacity * TEXT;
    this.#at = new Float64Array(capacity);
    this.#channels = new Array(capacity).fill(undefined);
    this.#publishers = new Int32Array(capacity);
    this.#kinds = new Uint8Array(capacity);
    this.#matched = new Uint32Array(capacity);
    this.#counts = new Uint32Array(capacity * fates.length);
    this.#receivers = new Int32Array(capacity * RECEIVERS);
    this.#states = new Uint32Array(capacity);
  }

  /** Remembers a publish and returns its id. Ids ascend by 1. */
  add(at: number, channel: string, publisher: number, isNamed: boolean, isDurable: boolean): number {
    const id = this.#next;
    this.#next += 1;
    this.#text += bytesOf(channel);
    while (id - this.#first >= this.#capacity || this.#text > this.#maxText) this.#forgetOldest();
    const slot = id % this.#capacity;
    this.#at[slot] = at;
    this.#channels[slot] = this.#kept(channel);
    this.#publishers[slot] = publisher;
    this.#kinds[slot] = (isNamed ? NAMED : 0) | (isDurable ? DURABLE : 0);
    this.#matched[slot] = 0;
    this.#states[slot] = 0;
    for (let at = slot * fates.length; at < (slot + 1) * fates.length; at += 1) this.#counts[at] = 0;
    return id;
  }

  /** The publish is for so many more sessions. `numberOf` is asked for the first ones. */
  matched(id: number, count: number, numberOf: (at: number) => number): void {
    const slot = id % this.#capacity;
    const before = this.#matched[slot] ?? 0;
    this.#matched[slot] = before + count;
    for (let at = 0; at < count && before + at < RECEIVERS; at += 1)
      this.#receivers[slot * RECEIVERS + before + at] = numberOf(at);
  }

  /** Whether the publish is not forgotten. */
  has(id: number): boolean {
    return id >= this.#first && id < this.#next;
  }

  /** Notes what became of a publish for a session. One that is forgotten is passed over. */
  note(id: number, session: number, fate: number, counts = true): void {
    if (!this.has(id)) return;
    const slot = id % this.#capacity;
    const counter = slot * fates.length + fate;
    if (counts) this.#counts[counter] = (this.#counts[counter] ?? 0) + 1;
    const known = Math.min(this.#matched[slot] ?? 0, RECEIVERS);
    for (let at = 0; at < known; at += 1) {
      if (this.#receivers[slot * RECEIVERS + at] !== session) continue;
      this.#states[slot] = (this.#states[slot] ?? 0) | (1 << (at * fates.length + fate));
      return;
    }
  }

  find(id: number): KnownPublish | undefined {
    if (!Number.isInteger(id) || !this.has(id)) return undefined;
    const slot = id % this.#capacity;
    const counts = this.#counts.subarray(slot * fates.length);
    return {
      id,
      at: this.#at[slot] ?? 0,
      channel: this.#channels[slot] ?? '',
      publisher: this.#publishers[slot] ?? 0,
      isNamed: ((this.#kinds[slot] ?? 0) & NAMED) !== 0,
      isDurable: ((this.#kinds[slot] ?? 0) & DURABLE) !== 0,
      matched: this.#matched[slot] ?? 0,
      counts: {
        handedOver: counts[0] ?? 0,
        confirmed: counts[1] ?? 0,
        lost: counts[2] ?? 0,
        returned: counts[3] ?? 0,
      },
      receivers: this.#receiversOf(slot),
    };
  }

  /** Publishes to channels that are wanted, newest first. Looks at `most` of all at most. */
  *newest(most: number, isWanted: (channel: string) => boolean = () => true): Generator<KnownPublish> {
    const last = Math.max(this.#first, this.#next - most);
    for (let id = this.#next - 1; id >= last; id -= 1) {
      if (!isWanted(this.#channels[id % this.#capacity] ?? '')) continue;
      const publish = this.find(id);
      if (publish !== undefined) yield publish;
    }
  }

  #kept(channel: string): string {
    const known = this.#names.get(channel);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES) this.#names.clear();
    this.#names.set(channel, channel);
    return channel;
  }

  #receiversOf(slot: number): KnownReceiver[] {
    const known = Math.min(this.#matched[slot] ?? 0, RECEIVERS);
    const state = this.#states[slot] ?? 0;
    return Array.from({ length: known }, (_, at) => ({
      session: this.#receivers[slot * RECEIVERS + at] ?? 0,
      fates: fates.filter((_fate, bit) => (state & (1 << (at * fates.length + bit))) !== 0),
    }));
  }

  #forgetOldest(): void {
    const slot = this.#first % this.#capacity;
    this.#text -= bytesOf(this.#channels[slot] ?? '');
    this.#channels[slot] = undefined;
    this.#first += 1;
  }
}

// A name of a channel is ASCII.
const bytesOf = (channel: string): number => 24 + channel.length;
