import { ChannelEntry, ChannelNames, isChannel } from '../../../channels/channel-names.ts';
import type { HistorySettings, HistoryRange, HistoryUsage, Retention } from '../../../ports/history-store.ts';
import { LongestUntouched } from '../longest-untouched.ts';
import { rangeOf } from '../history-range.ts';
import type { GroupWriter } from './group-writer.ts';
import { type Head, Tally } from './head.ts';
import { Ids } from './ids.ts';
import * as keys from './keys.ts';
import { type Kept, lastOf, type Place, pageOf, type Span } from './page.ts';
import { idsFrom, nextId } from './replay-ids.ts';

/** Changes that are collected before they are written. */
const CHUNK = 10_000;

/** Most channels without events that are kept, each with its highest discarded id. */
const MAX_EMPTY = 10_000;

/** Approximate size of an event in the database without its key and value. Bytes. */
const EVENT_WEIGHT = 40;

const nothing: Retention = { maxEvents: 0, maxAge: 0 };

/** The limits of a history. */
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

/** An index of the database in memory: the ids of each channel, and what was discarded. The text of events is not in it. */
export class Contents {
  readonly #settings: HistorySettings;
  readonly #writer: GroupWriter;
  readonly #bounds: Bounds;
  readonly #channels = new ChannelNames<Channel>();
  readonly #untouched = new LongestUntouched<Channel>();
  readonly #empty = new Set<Channel>();
  /** Of the events and channels in the database. */
  readonly tally = new Tally();
  #bytes = 0;
  /** Approximate bytes of events discarded since this was last set to 0. */
  discardedBytes = 0;
  #newest = 0;
  // The highest id discarded from channels that are not in the index.
  #forgottenThrough = 0;

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
    return { newest: this.#newest, forgottenThrough: this.#forgottenThrough, tally: String(this.tally) };
  }

  /** Approximate bytes of all events in the database. */
  get bytes(): number {
    return this.#bytes;
  }

  get usage(): HistoryUsage {
    const channels = this.#channels.size - this.#empty.size;
    return { events: this.tally.events, channels, bytes: this.#bytes };
  }

  /** The lowest id of all events. */
  get oldest(): number {
    return this.#channels.first?.ids.first ?? this.#newest;
  }

  /** Notes that ids up to this one were issued. */
  issued(id: number): void {
    this.#newest = Math.max(this.#newest, id);
  }

  /** Marks all ids up to this one as possibly missing, on every channel. */
  unproven(through: number): void {
    this.forgotten(through);
    for (const channel of this.#channels.values()) this.#mark(channel, through);
  }

  /** Marks all ids up to this one as possibly missing, on channels that are not in the index. */
  forgotten(through: number): void {
    this.#forgottenThrough = Math.max(this.#forgottenThrough, through);
    this.issued(through);
  }

  /** Adds a channel that was found in the database. */
  restoreChannel(name: string, discardedThrough: number): void {
    this.issued(discardedThrough);
    this.#empty.add(this.#add(name, discardedThrough));
  }

  /** Adds an event found in the database, in order of id. Returns the id of the event before it if that one is missing. */
  restoreEvent(id: number, name: string, previous: number, json: string): number | undefined {
    this.issued(id);
    const channel = this.#channels.get(name) ?? this.#create(name);
    const isMissing = previous > channel.discardedThrough && previous > (channel.ids.last ?? 0);
    if (isMissing) this.#mark(channel, previous);
    this.#push(channel, id, json);
    return isMissing ? previous : undefined;
  }

  /** Gives an event of this channel its id, writes it, and discards events past the limits. */
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

  /** Removes an event that could not be written. */
  takeBack(name: string, id: number): void {
    const channel = this.#channels.get(name);
    const size = channel?.ids.remove(id);
    if (channel === undefined || size === undefined) return;
    this.#bytes -= size;
    this.tally.removeEvent(id);
    this.#updateOldest(channel);
  }

  /** Notes that an event cannot be read, though it was not discarded: its channel may have a gap up to it. */
  lost({ id, channel: name }: Place): void {
    const channel = this.#channels.get(name);
    if (channel !== undefined) this.#mark(channel, id);
  }

  /** Discards events past the present rules and bounds. */
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

  /** Discards events that are too old now. */
  async expire(): Promise<void> {
    const now = this.#settings.now();
    await this.#discard(
      ({ ids, retention }) => ids.first !== undefined && ids.first < idsFrom(now - retention.maxAge),
    );
  }

  range(pattern: string): HistoryRange {
    return rangeOf(pattern, this.#channels, this.#forgottenThrough);
  }

  /** The first `limit` events within a span, on channels that a name or pattern matches. */
  page(pattern: string, span: Span, limit: number): Promise<Place[]> {
    return pageOf(this.#channels.matching(pattern), span, limit);
  }

  /** The last `limit` events with ids below `before`, on channels that a name or pattern matches. */
  last(pattern: string, before: number, limit: number): Promise<readonly Place[]> {
    return lastOf(this.#channels.matching(pattern), before, limit);
  }

  // At the limit, another channel is forgotten first.
  #createWithin(name: string): Channel {
    while (this.#channels.size >= this.#bounds.maxChannels) this.#forgetWhole(this.#untouched.first);
    const channel = this.#create(name);
    this.#untouched.add(channel);
    return channel;
  }

  #create(name: string): Channel {
    const channel = this.#add(name, this.#forgottenThrough);
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

  // Past the limit of channels, a whole channel is discarded.
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

  async #discard(mustDiscard: (channel: Channel) => boolean): Promise<void> {
    for (const channel of [...this.#channels.values()]) {
      while (mustDiscard(channel)) {
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
    this.#updateOldest(channel);
  }

  // The entry of a channel in the database has the same discarded id as the index.
  #mark(channel: Channel, through: number): void {
    if (through <= channel.discardedThrough) return;
    this.tally.removeChannel(channel.discardedThrough);
    channel.discards(through);
    this.tally.addChannel(through);
    this.#writer.set(keys.channelKey(channel.name), through);
  }

  #updateOldest(channel: Channel): void {
    channel.keepsFrom(channel.ids.first ?? Number.POSITIVE_INFINITY);
    if (channel.ids.size === 0) this.#empty.add(channel);
  }

  // CH-10: empty channels are forgotten to limit memory. Each raises `#forgottenThrough`, so less is proven for all patterns.
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
    if (isChannel(channel.name)) this.forgotten(channel.discardedThrough);
  }
}
