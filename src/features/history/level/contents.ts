import { ChannelEntry, ChannelNames } from '../../../channels/channel-names.ts';
import type { HistorySettings, HistoryRange, Retention } from '../../../ports/history-store.ts';
import { LongestUntouched } from '../longest-untouched.ts';
import { rangeOf } from '../history-range.ts';
import type { GroupWriter } from './group-writer.ts';
import { type Head, Tally } from './head.ts';
import { Ids } from './ids.ts';
import * as keys from './keys.ts';
import { type Kept, type Place, pageOf, type Span } from './page.ts';
import { idsFrom, nextId } from './replay-ids.ts';

/** How much is discarded before it is written. */
const CHUNK = 10_000;

/** How many channels without events are remembered, each with the id up to which its events were discarded. */
const MAX_EMPTY = 10_000;

/** What an event takes in the database besides its key and its value, about. Bytes. */
const EVENT_WEIGHT = 40;

const nothing: Retention = { maxEvents: 0, maxAge: 0 };

/** How much a history may hold. */
export interface Bounds {
  readonly maxBytes: number;
  readonly maxChannels: number;
}

class Channel extends ChannelEntry implements Kept {
  readonly ids = new Ids();
  readonly retention: Retention;

  constructor(name: string, retention: Retention) {
    super(name);
    this.retention = retention;
  }

  /** The highest id it has, or had. */
  get newest(): number {
    return this.ids.last ?? this.discardedThrough;
  }
}

/** What is in the database, all but the events' text: which ids on which channel, and what was discarded. */
export class Contents {
  readonly #settings: HistorySettings;
  readonly #writer: GroupWriter;
  readonly #bounds: Bounds;
  readonly #channels = new ChannelNames<Channel>();
  readonly #untouched = new LongestUntouched<Channel>();
  readonly #empty = new Set<Channel>();
  /** Of what is there. */
  readonly tally = new Tally();
  #bytes = 0;
  /** Bytes of events discarded since somebody set it to 0, about. */
  discardedBytes = 0;
  #newest = 0;
  // The highest id discarded from a channel of which nothing else is known.
  #floor = 0;

  constructor(settings: HistorySettings, writer: GroupWriter, bounds: Bounds) {
    this.#settings = settings;
    this.#writer = writer;
    this.#bounds = bounds;
  }

  /** The highest id issued. */
  get newest(): number {
    return this.#newest;
  }

  get head(): Head {
    return { newest: this.#newest, floor: this.#floor, tally: String(this.tally) };
  }

  /** Bytes of its events in the database, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The lowest id of all events. */
  get oldest(): number {
    return this.#channels.first?.ids.first ?? this.#newest;
  }

  /** Ids up to this one were issued. */
  issued(id: number): void {
    this.#newest = Math.max(this.#newest, id);
  }

  /** Everything up to this id may be missing, on whatever channel. */
  unproven(through: number): void {
    this.forgotten(through);
    for (const channel of this.#channels.values()) this.#mark(channel, through);
  }

  /** Everything up to this id may be missing on a channel of which nothing else is known. */
  forgotten(through: number): void {
    this.#floor = Math.max(this.#floor, through);
    this.issued(through);
  }

  /** What was known of a channel when the store was closed. */
  restoreChannel(name: string, discardedThrough: number): void {
    this.issued(discardedThrough);
    this.#empty.add(this.#add(name, discardedThrough));
  }

  /** An event that was kept, by ascending ids. Gives the id of the one before it, if that should be there and is not. */
  restoreEvent(id: number, name: string, previous: number, json: string): number | undefined {
    this.issued(id);
    const channel = this.#channels.get(name) ?? this.#create(name);
    const isMissing = previous > channel.discardedThrough && previous > (channel.ids.last ?? 0);
    if (isMissing) this.#mark(channel, previous);
    this.#push(channel, id, json);
    return isMissing ? previous : undefined;
  }

  /** Gives an event of this channel its id, writes it, and discards what is too much then. */
  append(name: string, json: string): number {
    const id = nextId(this.#newest, this.#settings.now());
    this.#newest = id;
    const known = this.#channels.get(name);
    const channel = known ?? this.#createWithin(name);
    this.#writer.put(keys.eventKey(id, name), keys.eventValue({ previous: channel.newest, json }));
    this.#push(channel, id, json);
    while (channel.ids.size > channel.retention.maxEvents) this.#discardFirst(channel);
    while (this.#isOver()) this.#discardOne();
    return id;
  }

  /** An event could not be written. */
  takeBack(name: string, id: number): void {
    const channel = this.#channels.get(name);
    const size = channel?.ids.remove(id);
    if (channel === undefined || size === undefined) return;
    this.#bytes -= size;
    this.tally.removeEvent(id);
    this.#kept(channel);
  }

  /** An event cannot be read, though nothing discarded it: nothing before it is proven to be complete. */
  lost({ id, channel: name }: Place): void {
    const channel = this.#channels.get(name);
    if (channel !== undefined) this.#mark(channel, id);
  }

  /** Discards what is too much by the rules and bounds that are in force now. */
  async shortenAll(): Promise<void> {
    const byTouch = [...this.#channels.values()].sort((a, b) => a.newest - b.newest);
    for (const channel of byTouch) this.#untouched.add(channel);
    await this.#discard(({ ids, retention }) => ids.size > retention.maxEvents);
    while (this.#isOver()) {
      this.#discardOne();
      if (this.#writer.size >= CHUNK) await this.#writer.written();
    }
    await this.#writer.written();
  }

  /** Discards what is too old by now. */
  async expire(): Promise<void> {
    const now = this.#settings.now();
    await this.#discard(
      ({ ids, retention }) => ids.first !== undefined && ids.first < idsFrom(now - retention.maxAge),
    );
  }

  range(pattern: string): HistoryRange {
    return rangeOf(pattern, this.#channels, this.#floor);
  }

  /** The first `limit` events within a span, on channels that a name or pattern matches. */
  page(pattern: string, span: Span, limit: number): Promise<Place[]> {
    return pageOf(this.#channels.matching(pattern), span, limit);
  }

  // One too many goes before the new one comes.
  #createWithin(name: string): Channel {
    while (this.#channels.size >= this.#bounds.maxChannels) this.#forgetWhole(this.#untouched.first);
    const channel = this.#create(name);
    this.#untouched.add(channel);
    return channel;
  }

  #create(name: string): Channel {
    const channel = this.#add(name, this.#floor);
    this.#writer.set(keys.channelKey(name), channel.discardedThrough);
    return channel;
  }

  #add(name: string, discardedThrough: number): Channel {
    const channel = new Channel(name, this.#settings.retention(name) ?? nothing);
    channel.discards(discardedThrough);
    this.#channels.add(channel);
    this.tally.addChannel(channel.discardedThrough);
    return channel;
  }

  #push(channel: Channel, id: number, json: string): void {
    if (channel.ids.size === 0) {
      this.#empty.delete(channel);
      channel.keepsFrom(id);
    }
    const size = EVENT_WEIGHT + channel.name.length + Buffer.byteLength(json);
    channel.ids.push(id, size);
    this.#bytes += size;
    this.tally.addEvent(id);
  }

  #isOver(): boolean {
    return this.#bytes > this.#bounds.maxBytes || this.#channels.size > this.#bounds.maxChannels;
  }

  // A channel too many goes whole.
  #discardOne(): void {
    const oldest = this.#channels.first;
    if (this.#channels.size > this.#bounds.maxChannels) this.#forgetWhole(this.#untouched.first);
    else if (oldest !== undefined) this.#discardFirst(oldest);
  }

  #forgetWhole(channel: Channel | undefined): void {
    if (channel === undefined) return;
    while (channel.ids.size > 0) this.#discardFirst(channel);
    this.#forget(channel);
  }

  async #discard(isToo: (channel: Channel) => boolean): Promise<void> {
    for (const channel of [...this.#channels.values()]) {
      while (isToo(channel)) {
        this.#discardFirst(channel);
        if (this.#writer.size >= CHUNK) await this.#writer.written();
      }
    }
    this.#forgetSome();
    await this.#writer.written();
  }

  #discardFirst(channel: Channel): void {
    const { first: id, firstSize } = channel.ids;
    if (id === undefined) return;
    this.#writer.del(keys.eventKey(id, channel.name));
    channel.ids.shift();
    this.#bytes -= firstSize;
    this.discardedBytes += firstSize;
    this.tally.removeEvent(id);
    this.#mark(channel, id);
    this.#kept(channel);
  }

  // What is written of a channel is what is known of it.
  #mark(channel: Channel, through: number): void {
    if (through <= channel.discardedThrough) return;
    this.tally.removeChannel(channel.discardedThrough);
    channel.discards(through);
    this.tally.addChannel(through);
    this.#writer.set(keys.channelKey(channel.name), through);
  }

  #kept(channel: Channel): void {
    channel.keepsFrom(channel.ids.first ?? Number.POSITIVE_INFINITY);
    if (channel.ids.size === 0) this.#empty.add(channel);
  }

  // CH-10: names that nothing is left of must not pile up; but each that is forgotten makes all patterns know less.
  #forgetSome(): void {
    const tooMany = this.#empty.size - MAX_EMPTY;
    if (tooMany <= 0) return;
    const longestEmpty = [...this.#empty].sort((a, b) => a.discardedThrough - b.discardedThrough);
    for (const channel of longestEmpty.slice(0, tooMany)) this.#forget(channel);
  }

  #forget(channel: Channel): void {
    this.#empty.delete(channel);
    this.#untouched.delete(channel);
    this.#channels.delete(channel);
    this.tally.removeChannel(channel.discardedThrough);
    this.#writer.del(keys.channelKey(channel.name));
    this.forgotten(channel.discardedThrough);
  }
}
