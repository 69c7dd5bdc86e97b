/** What may become of an event for a session, in the order of the counters. */
export const fates = ['handedOver', 'confirmed', 'lost', 'returned'] as const;

export type Fate = (typeof fates)[number];

/** Receivers of a publish that are remembered one by one. All are counted. */
const RECEIVERS = 8;

const NAMED = 1;
const DURABLE = 2;

// The fields of a publish, by their place among its numbers of 4 bytes. First comes its time, which takes two.
const TIME = 2;
const PUBLISHER = TIME;
const MATCHED = PUBLISHER + 1;
const KIND = MATCHED + 1;
// Four bits for each receiver: its fates.
const STATES = KIND + 1;
const COUNTS = STATES + 1;
const RECEIVER = COUNTS + fates.length;
const NUMBERS = RECEIVER + RECEIVERS;

/** Memory of a publish without the text of its channel: numbers, and a reference. Bytes. */
const FIXED = 4 * NUMBERS + 8;
/** Memory for the name of a channel. Longer names leave room for fewer publishes. Bytes. */
const TEXT = 96;

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

/** The latest publishes, in memory that is taken once. What belongs to one publish lies together. */
export class Publishes {
  readonly #capacity: number;
  readonly #maxText: number;
  readonly #numbers: Int32Array;
  // The same memory, for the times.
  readonly #times: Float64Array;
  readonly #channels: (string | undefined)[];
  #first = 1;
  #next = 1;
  #text = 0;
  // The same text for all publishes to a channel: a new one each time would be work for the garbage collector.
  #names = new Map<string, string>();

  constructor(maxBytes: number) {
    const capacity = Math.floor(maxBytes / (FIXED + TEXT));
    this.#capacity = capacity;
    this.#maxText = capacity * TEXT;
    this.#numbers = new Int32Array(capacity * NUMBERS);
    this.#times = new Float64Array(this.#numbers.buffer);
    this.#channels = new Array(capacity).fill(undefined);
  }

  /** Remembers a publish and returns its id. Ids ascend by 1. */
  add(at: number, channel: string, publisher: number, isNamed: boolean, isDurable: boolean): number {
    const id = this.#next;
    this.#next += 1;
    this.#text += bytesOf(channel);
    while (id - this.#first >= this.#capacity || this.#text > this.#maxText) this.#forgetOldest();
    const slot = id % this.#capacity;
    const start = slot * NUMBERS;
    this.#channels[slot] = this.#kept(channel);
    this.#times[start / TIME] = at;
    this.#numbers[start + PUBLISHER] = publisher;
    this.#numbers[start + MATCHED] = 0;
    this.#numbers[start + KIND] = (isNamed ? NAMED : 0) | (isDurable ? DURABLE : 0);
    for (let field = start + STATES; field < start + RECEIVER; field += 1) this.#numbers[field] = 0;
    return id;
  }

  /** The publish is for so many more sessions. `numberOf` is asked for the first ones. */
  matched(id: number, count: number, numberOf: (at: number) => number): void {
    const start = this.#startOf(id);
    const before = this.#read(start + MATCHED);
    this.#numbers[start + MATCHED] = before + count;
    for (let at = 0; at < count && before + at < RECEIVERS; at += 1)
      this.#numbers[start + RECEIVER + before + at] = numberOf(at);
  }

  /** Whether the publish is not forgotten. */
  has(id: number): boolean {
    return id >= this.#first && id < this.#next;
  }

  /** Notes what became of a publish for a session. One that is forgotten is passed over. */
  note(id: number, session: number, fate: number, counts = true): void {
    if (!this.has(id)) return;
    const start = this.#startOf(id);
    if (counts) this.#numbers[start + COUNTS + fate] = this.#read(start + COUNTS + fate) + 1;
    const known = Math.min(this.#read(start + MATCHED), RECEIVERS);
    for (let at = 0; at < known; at += 1) {
      if (this.#numbers[start + RECEIVER + at] !== session) continue;
      this.#numbers[start + STATES] = this.#read(start + STATES) | (1 << (at * fates.length + fate));
      return;
    }
  }

  find(id: number): KnownPublish | undefined {
    if (!Number.isInteger(id) || !this.has(id)) return undefined;
    const start = this.#startOf(id);
    const kind = this.#read(start + KIND);
    const count = (fate: number) => this.#read(start + COUNTS + fate);
    return {
      id,
      at: this.#times[start / TIME] ?? 0,
      channel: this.#channels[id % this.#capacity] ?? '',
      publisher: this.#read(start + PUBLISHER),
      isNamed: (kind & NAMED) !== 0,
      isDurable: (kind & DURABLE) !== 0,
      matched: this.#read(start + MATCHED),
      counts: { handedOver: count(0), confirmed: count(1), lost: count(2), returned: count(3) },
      receivers: this.#receiversOf(start),
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

  #startOf(id: number): number {
    return (id % this.#capacity) * NUMBERS;
  }

  #read(at: number): number {
    return this.#numbers[at] ?? 0;
  }

  #receiversOf(start: number): KnownReceiver[] {
    const known = Math.min(this.#read(start + MATCHED), RECEIVERS);
    const state = this.#read(start + STATES);
    return Array.from({ length: known }, (_, at) => ({
      session: this.#read(start + RECEIVER + at),
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
