import { ChannelEntry, ChannelNames } from '../core/channels/channel-names.ts';
import type { HistorySettings, Retained, Retention } from '../core/history/history-store.ts';
import { retainedOf } from '../core/history/retained.ts';
import type { GroupWriter } from './group-writer.ts';
import { Ids } from './ids.ts';
import * as keys from './keys.ts';
import { type Kept, type Place, pageOf, type Span } from './page.ts';
import { idsFrom, nextId } from './replay-ids.ts';

/** How much is discarded before it is written. */
const CHUNK = 10_000;

/** How many channels without events are remembered, each with the id up to which its events were discarded. */
const MAX_EMPTY = 10_000;

const nothing: Retention = { maxEvents: 0, maxAge: 0 };

class Channel extends ChannelEntry implements Kept {
  readonly ids = new Ids();
  readonly retention: Retention;

  constructor(name: string, retention: Retention) {
    super(name);
    this.retention = retention;
  }
}

/** What is in the database, all but the events' text: which ids on which channel, and what was discarded. */
export class Contents {
  readonly #settings: HistorySettings;
  readonly #writer: GroupWriter;
  readonly #channels = new ChannelNames<Channel>();
  readonly #empty = new Set<Channel>();
  #newest = 0;
  // The highest id discarded from a channel of which nothing else is known.
  #floor = 0;
  #unproven = 0;

  constructor(settings: HistorySettings, writer: GroupWriter) {
    this.#settings = settings;
    this.#writer = writer;
  }

  /** The highest id issued. */
  get newest(): number {
    return this.#newest;
  }

  /** The id up to which anything may be missing, on whatever channel. */
  get unprovenThrough(): number {
    return this.#unproven;
  }

  /** Everything up to this id may be missing, on whatever channel. */
  unproven(through: number): void {
    this.#unproven = through;
    this.forgotten(through);
    for (const channel of this.#channels.values()) channel.discards(through);
  }

  /** Everything up to this id may be missing on a channel of which nothing else is known. */
  forgotten(through: number): void {
    this.#floor = Math.max(this.#floor, through);
    this.#newest = Math.max(this.#newest, through);
  }

  /** What was known of a channel when the store was closed. */
  restoreChannel(name: string, discardedThrough: number): void {
    this.#newest = Math.max(this.#newest, discardedThrough);
    this.#empty.add(this.#add(name, Math.max(discardedThrough, this.#unproven)));
  }

  /** An event that was kept, by ascending ids. */
  restoreEvent(id: number, name: string): void {
    this.#newest = Math.max(this.#newest, id);
    this.#push(this.#channels.get(name) ?? this.#add(name, this.#floor), id);
  }

  /** Gives an event of this channel its id, writes it, and discards what is too much then. */
  append(name: string, json: string): number {
    const id = nextId(this.#newest, this.#settings.now());
    this.#newest = id;
    const channel = this.#channels.get(name) ?? this.#create(name);
    this.#push(channel, id);
    this.#writer.put(keys.eventKey(id, name), json);
    while (channel.ids.size > channel.retention.maxEvents) this.#discardFirst(channel);
    return id;
  }

  /** Discards what is too much by the rules that are in force now. */
  async shortenAll(): Promise<void> {
    await this.#discard(({ ids, retention }) => ids.size > retention.maxEvents);
  }

  /** Discards what is too old by now. */
  async expire(): Promise<void> {
    const now = this.#settings.now();
    await this.#discard(
      ({ ids, retention }) => ids.first !== undefined && ids.first < idsFrom(now - retention.maxAge),
    );
  }

  retained(pattern: string): Retained {
    return retainedOf(pattern, this.#channels, this.#floor);
  }

  /** The first `limit` events within a span, on channels that a name or pattern matches. */
  page(pattern: string, span: Span, limit: number): Place[] {
    return pageOf(this.#channels.matching(pattern), span, limit);
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
    return channel;
  }

  #push(channel: Channel, id: number): void {
    if (channel.ids.size === 0) {
      this.#empty.delete(channel);
      channel.keepsFrom(id);
    }
    channel.ids.push(id);
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
    const id = channel.ids.shift();
    if (id === undefined) return;
    this.#writer.del(keys.eventKey(id, channel.name));
    channel.discards(id);
    channel.keepsFrom(channel.ids.first ?? Number.POSITIVE_INFINITY);
    this.#writer.set(keys.channelKey(channel.name), id);
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
    this.#channels.delete(channel);
    this.#writer.del(keys.channelKey(channel.name));
    this.forgotten(channel.discardedThrough);
    this.#writer.set(keys.floorKey, this.#floor);
  }
}
