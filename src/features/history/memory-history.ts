import { ChannelEntry, ChannelNames, isChannel, matcher } from '../../channels/channel-names.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { checkedBound, MAX_CHANNELS } from './bounds.ts';
import { EventLog } from './event-log.ts';
import { EventQueue } from './event-queue.ts';
import { DiscardMarks } from './discard-marks.ts';
import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  HistoryUsage,
  Retention,
  StoredEvent,
} from '../../ports/history-store.ts';
import { LongestUntouched } from './longest-untouched.ts';
import { merge } from './merge.ts';
import { newest } from './newest.ts';
import { nextTurn } from './next-turn.ts';
import { rangeOf } from './history-range.ts';

/** Memory of a channel and of an event without their texts, measured on Node 20 to 24. Bytes. */
const CHANNEL_WEIGHT = 700;
const EVENT_WEIGHT = 200;

/** A pattern that matches more channels than this is read by a scan over the events of all channels. */
const FEW = 1000;

/** Events or channels that are visited in one turn of the event loop. */
const CHUNK = 20_000;

const nothing: Retention = { maxEvents: 0, maxAge: 0 };

class Channel extends ChannelEntry {
  readonly events = new EventQueue();
  retention: Retention;
  /** The highest id it had. */
  newest = 0;

  constructor(name: string, retention: Retention) {
    super(name);
    this.retention = retention;
  }
}

/** The limits of a memory history. */
export interface MemoryHistoryOptions {
  /** Memory of all events and channels; past it the oldest events are discarded. Bytes; 64 MiB if absent. */
  readonly maxBytes?: number;
  /** Most channels. Past it, about the channel with the oldest last publish is forgotten; 100,000 if absent. */
  readonly maxChannels?: number;
}

/** A history in memory. Several servers may open it one after another; it is lost when the process ends. */
export class MemoryHistory implements HistoryStore {
  readonly #maxBytes: number;
  readonly #maxChannels: number;
  readonly #channels = new ChannelNames<Channel>();
  readonly #untouched = new LongestUntouched<Channel>();
  /** The events of all channels. */
  readonly #log = new EventLog();
  #settings: HistorySettings = { retention: () => undefined, now: () => 0 };
  #bytes = 0;
  #newest = -1;
  #lastAt = 0;
  #discardMarks = new DiscardMarks(0);

  /** Throws `UsageError` for a bad value. */
  constructor({ maxBytes = 67_108_864, maxChannels = MAX_CHANNELS }: MemoryHistoryOptions = {}) {
    this.#maxBytes = checkedBound('maxBytes', maxBytes);
    this.#maxChannels = checkedBound('maxChannels', maxChannels);
  }

  get newest(): number {
    return this.#newest;
  }

  /** Events, channels and approximate bytes of memory in use. */
  get usage(): HistoryUsage {
    return { events: this.#log.size, channels: this.#channels.size, bytes: this.#bytes };
  }

  open(settings: HistorySettings): Promise<void> {
    this.#settings = settings;
    if (this.#newest < 0) {
      // RP-6: far above any id that an earlier process can have issued by now.
      this.#newest = Math.floor(settings.now()) * 1000;
      this.#discardMarks = new DiscardMarks(this.#newest);
    }
    this.#applyRules();
    return Promise.resolve();
  }

  append(name: string, json: string): StoredEvent {
    const channel = this.#channels.get(name) ?? this.#create(name);
    this.#newest += 1;
    this.#lastAt = Math.max(this.#lastAt, Math.floor(this.#settings.now()));
    // The string of the channel: the string of the request would take memory for each event.
    const event = { id: this.#newest, channel: channel.name, at: this.#lastAt, json };
    if (channel.events.size === 0) channel.keepsFrom(event.id);
    channel.events.push(event);
    channel.newest = event.id;
    this.#log.push(event);
    this.#bytes += weight(event);
    this.#shorten(channel);
    while (this.#bytes > this.#maxBytes) this.#discard(this.#log.first);
    return event;
  }

  /** Takes several turns of the event loop when a pattern matches few of many events. */
  read(pattern: string, after: number, limit: number): MaybePromise<readonly StoredEvent[]> {
    if (after >= this.#newest) return [];
    if (!pattern.endsWith('*')) return this.#channels.get(pattern)?.events.above(after, limit) ?? [];
    if (this.#channels.count(pattern) > FEW) return this.#walk(pattern, after, limit);
    const queues = this.#channels.matching(pattern).map(({ events }) => events);
    return merge(queues, after, limit);
  }

  /** Takes several turns of the event loop when a pattern matches few of many events. */
  last(pattern: string, before: number, limit: number): MaybePromise<readonly StoredEvent[]> {
    if (!pattern.endsWith('*')) return this.#channels.get(pattern)?.events.below(before, limit) ?? [];
    if (this.#channels.count(pattern) > FEW) return this.#walkBack(pattern, before, limit);
    const lists = this.#channels.matching(pattern).map(({ events }) => events.below(before, limit));
    return newest(lists, limit);
  }

  range(pattern: string): HistoryRange {
    return rangeOf(pattern, this.#channels, this.#discardMarks.of(pattern));
  }

  /** Takes several turns of the event loop when many events are too old. */
  expire(): MaybePromise<void> {
    return this.#expire(this.#channels.values()[Symbol.iterator](), this.#settings.now());
  }

  /** Keeps its events: another server of this process may open it again. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  // A scan over the events of all channels: a pattern that matches many channels matches many of them.
  #walk(pattern: string, after: number, limit: number): MaybePromise<StoredEvent[]> {
    const matches = matcher(pattern);
    const found: StoredEvent[] = [];
    const { oldest } = this.#channels.range(pattern);
    let reached = Math.max(after, oldest - 1);
    const lookOn = (): MaybePromise<StoredEvent[]> => {
      let at = this.#log.seek(reached);
      for (const end = Math.min(this.#log.end, at + CHUNK); at < end && found.length < limit; at += 1) {
        const event = this.#log.at(at);
        if (event === undefined) continue;
        reached = event.id;
        if (matches(event.channel)) found.push(event);
      }
      return found.length === limit || at >= this.#log.end ? found : nextTurn().then(lookOn);
    };
    return lookOn();
  }

  #walkBack(pattern: string, before: number, limit: number): MaybePromise<StoredEvent[]> {
    const matches = matcher(pattern);
    const found: StoredEvent[] = [];
    let reached = before;
    const lookOn = (): MaybePromise<StoredEvent[]> => {
      let at = this.#log.seekBack(reached);
      for (const end = at - CHUNK; at >= 0 && at > end && found.length < limit; at -= 1) {
        const event = this.#log.at(at);
        if (event === undefined) continue;
        reached = event.id;
        if (matches(event.channel)) found.push(event);
      }
      return found.length === limit || at < 0 ? found.toReversed() : nextTurn().then(lookOn);
    };
    return lookOn();
  }

  #expire(channels: Iterator<Channel>, now: number): MaybePromise<void> {
    let looks = 0;
    for (let next = channels.next(); next.done !== true; next = channels.next()) {
      const { events, retention } = next.value;
      while (events.first !== undefined && events.first.at < now - retention.maxAge) {
        this.#discard(events.first);
        looks += 1;
      }
      looks += 1;
      if (looks >= CHUNK) return nextTurn().then(() => this.#expire(channels, now));
    }
  }

  #create(name: string): Channel {
    while (this.#channels.size >= this.#maxChannels) this.#discardAll(this.#untouched.first);
    const channel = new Channel(name, this.#settings.retention(name) ?? nothing);
    channel.discards(this.#discardMarks.of(name));
    channel.newest = this.#newest + 1;
    this.#channels.add(channel);
    this.#untouched.add(channel);
    this.#bytes += channelWeight(channel);
    return channel;
  }

  // The rules may have changed since the events were stored.
  #applyRules(): void {
    for (const channel of this.#channels.values()) {
      channel.retention = this.#settings.retention(channel.name) ?? nothing;
      this.#shorten(channel);
    }
  }

  #shorten({ events, retention }: Channel): void {
    while (events.size > retention.maxEvents) this.#discard(events.first);
  }

  #discardAll(channel: Channel | undefined): void {
    while (channel !== undefined && channel.events.size > 0) this.#discard(channel.events.first);
  }

  // The event has to be the oldest of its channel.
  #discard(event: StoredEvent | undefined): void {
    const channel = event && this.#channels.get(event.channel);
    if (event === undefined || channel === undefined) return;
    channel.events.shift();
    this.#log.remove(event.id);
    this.#bytes -= weight(event);
    channel.discards(event.id);
    channel.keepsFrom(channel.events.first?.id ?? Number.POSITIVE_INFINITY);
    if (channel.events.size === 0) this.#forget(channel);
  }

  // CH-10: channels without events must not accumulate.
  #forget(channel: Channel): void {
    this.#channels.delete(channel);
    this.#untouched.delete(channel);
    this.#bytes -= channelWeight(channel);
    if (isChannel(channel.name)) this.#discardMarks.raise(channel.name, channel.discardedThrough);
  }
}

function channelWeight({ name }: Channel): number {
  return CHANNEL_WEIGHT + textWeight(name);
}

function weight({ json }: StoredEvent): number {
  return EVENT_WEIGHT + textWeight(json);
}

// All characters of a text take one byte if the text is ASCII, otherwise two.
function textWeight(text: string): number {
  const bytes = Buffer.byteLength(text);
  return bytes === text.length ? bytes : Math.max(bytes, 2 * text.length);
}
