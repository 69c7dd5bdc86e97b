import { ChannelNames, matcher } from '../channels/channel-names.ts';
import { UsageError } from '../usage-error.ts';
import { EventLog } from './event-log.ts';
import { Floors } from './floors.ts';
import type { HistorySettings, HistoryStore, Retained, Retention, StoredEvent } from './history-store.ts';
import { merge } from './merge.ts';
import { retainedOf } from './retained.ts';

/** What a channel and an event weigh besides the text, about. Bytes. */
const CHANNEL_WEIGHT = 1024;
const EVENT_WEIGHT = 180;

/** How many events are looked at in a row, for each one wanted, before channels are looked up one by one. */
const WALK = 8;

const nothing: Retention = { maxEvents: 0, maxAge: 0 };

interface Channel {
  readonly name: string;
  retention: Retention;
  readonly events: EventLog;
  discardedThrough: number;
}

/** How much a memory history may hold. */
export interface MemoryHistoryOptions {
  /** Over all channels; past it the oldest events are discarded. Bytes, about. */
  readonly maxBytes?: number;
}

/** The history of a single process: it outlives the servers that open it one after another, not the process. */
export class MemoryHistory implements HistoryStore {
  readonly #maxBytes: number;
  readonly #channels = new ChannelNames<Channel>();
  /** The events of all channels. */
  readonly #log = new EventLog();
  #settings: HistorySettings = { retention: () => undefined, now: () => 0 };
  #bytes = 0;
  #newest = -1;
  #lastAt = 0;
  #floors = new Floors(0);

  /** Throws `UsageError` for a bad value. */
  constructor({ maxBytes = 268_435_456 }: MemoryHistoryOptions = {}) {
    if (!(maxBytes > 0)) throw new UsageError(`maxBytes must be a number of bytes above 0, got ${maxBytes}`);
    this.#maxBytes = maxBytes;
  }

  get newest(): number {
    return this.#newest;
  }

  /** What is in use: events, channels, and bytes, about. */
  get usage(): { readonly events: number; readonly channels: number; readonly bytes: number } {
    return { events: this.#log.size, channels: this.#channels.size, bytes: this.#bytes };
  }

  open(settings: HistorySettings): Promise<void> {
    this.#settings = settings;
    if (this.#newest < 0) {
      // RP-6: far above what an earlier process can have issued by now.
      this.#newest = Math.floor(settings.now()) * 1000;
      this.#floors = new Floors(this.#newest);
    }
    this.#adopt();
    return Promise.resolve();
  }

  append(name: string, json: string): StoredEvent {
    const channel = this.#channels.get(name) ?? this.#create(name);
    this.#newest += 1;
    this.#lastAt = Math.max(this.#lastAt, Math.floor(this.#settings.now()));
    const event = { id: this.#newest, channel: name, at: this.#lastAt, json };
    channel.events.push(event);
    this.#log.push(event);
    this.#bytes += weight(event);
    this.#shorten(channel);
    while (this.#bytes > this.#maxBytes) this.#discard(this.#log.first);
    return event;
  }

  read(pattern: string, after: number, limit: number): readonly StoredEvent[] {
    if (after >= this.#newest) return [];
    if (!pattern.endsWith('*')) return this.#channels.get(pattern)?.events.above(after, limit) ?? [];
    return this.#readPattern(pattern, after, limit);
  }

  retained(pattern: string): Retained {
    const channels = this.#channels.matching(pattern).map(({ name, events, discardedThrough }) => ({
      name,
      discardedThrough,
      oldest: events.first?.id,
    }));
    return retainedOf(pattern, channels, this.#floors.of(pattern));
  }

  expire(): void {
    const now = this.#settings.now();
    for (const { events, retention } of this.#channels.values()) {
      while (events.first !== undefined && events.first.at < now - retention.maxAge)
        this.#discard(events.first);
    }
  }

  /** Keeps what it holds: a server of this process may open it again. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  // Where the pattern matches much, what it matches stands close together; where little, it is on few channels.
  #readPattern(pattern: string, after: number, limit: number): StoredEvent[] {
    const matches = matcher(pattern);
    const found: StoredEvent[] = [];
    let at = this.#log.seek(after);
    let reached = after;
    for (const end = Math.min(this.#log.end, at + WALK * limit); at < end && found.length < limit; at += 1) {
      const event = this.#log.at(at);
      if (event === undefined) continue;
      reached = event.id;
      if (matches(event.channel)) found.push(event);
    }
    if (found.length === limit || at === this.#log.end) return found;
    const logs = this.#channels.matching(pattern).map(({ events }) => events);
    return [...found, ...merge(logs, reached, limit - found.length)];
  }

  #create(name: string): Channel {
    const retention = this.#settings.retention(name) ?? nothing;
    const channel = { name, retention, events: new EventLog(), discardedThrough: this.#floors.of(name) };
    this.#channels.set(name, channel);
    this.#bytes += CHANNEL_WEIGHT;
    return channel;
  }

  // Other rules may be in force than when the events were stored.
  #adopt(): void {
    for (const channel of this.#channels.values()) {
      channel.retention = this.#settings.retention(channel.name) ?? nothing;
      this.#shorten(channel);
    }
  }

  #shorten({ events, retention }: Channel): void {
    while (events.size > retention.maxEvents) this.#discard(events.first);
  }

  #discard(event: StoredEvent | undefined): void {
    const channel = event && this.#channels.get(event.channel);
    if (event === undefined || channel === undefined) return;
    channel.events.remove(event.id);
    this.#log.remove(event.id);
    this.#bytes -= weight(event);
    channel.discardedThrough = event.id;
    if (channel.events.size === 0) this.#forget(channel);
  }

  // CH-10: names that nothing is left of must not pile up.
  #forget({ name, discardedThrough }: Channel): void {
    this.#channels.delete(name);
    this.#bytes -= CHANNEL_WEIGHT;
    this.#floors.raise(name, discardedThrough);
  }
}

function weight({ json }: StoredEvent): number {
  return EVENT_WEIGHT + Buffer.byteLength(json);
}
