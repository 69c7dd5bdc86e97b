import type { MaybePromise } from '../lib/maybe-promise.ts';

/** How long events of one channel are kept (RP-14). */
export interface Retention {
  /** Events. */
  readonly maxEvents: number;
  /** Milliseconds. */
  readonly maxAge: number;
}

/** An event as it was published, with what the store gave it. */
export interface StoredEvent {
  /** Its replay id: ascending through the whole store, gaps allowed, below 2^53 (RP-6). */
  readonly id: number;
  readonly channel: string;
  /** When it was stored. Never lower than that of the event before it. Epoch milliseconds. */
  readonly at: number;
  /** The event as JSON text, without id and time. */
  readonly json: string;
}

/** The stored range of the channels that a pattern matches. */
export interface HistoryRange {
  /** The highest discarded id that may have been on one of these channels; in a fresh store, where its ids begin. */
  readonly discardedThrough: number;
  /** The lowest stored id; absent if nothing is stored. */
  readonly oldest?: number;
}

/** How much a store has. */
export interface HistoryUsage {
  readonly events: number;
  /** Channels with events. */
  readonly channels: number;
  /** Approximate size, in memory or on the disk. */
  readonly bytes: number;
}

/** The arguments with which the server opens a store. */
export interface HistorySettings {
  /** How long events of a channel are kept; undefined if the channel is no longer durable and may be deleted. */
  retention(channel: string): Retention | undefined;
  /** Epoch milliseconds. */
  now(): number;
}

/**
 * Keeps the events of durable channels, and records of the server under names without a slash, which no pattern matches. Ids ascend in
 * the order of `append` calls, which do not wait for each other. Once an append resolves, every read that begins later sees its event,
 * and the event survives whatever the store promises to survive.
 * A fresh store begins its ids at epoch milliseconds x 1000 and reports all lower ids as discarded. So a
 * store that replaces a lost one never issues an id twice and does not hide the loss (RP-6).
 */
export interface HistoryStore {
  /** Called once, before all other methods. Rejects if the store cannot be used. */
  open(settings: HistorySettings): Promise<void>;
  /** The highest id issued, or where ids begin. */
  readonly newest: number;
  /** How much is stored, for monitoring. Absent if the store does not know. */
  readonly usage?: HistoryUsage;
  append(channel: string, json: string): MaybePromise<StoredEvent>;
  /** Up to `limit` events with ids above `after`, from the channels that `pattern` matches, in order of id. */
  read(pattern: string, after: number, limit: number): MaybePromise<readonly StoredEvent[]>;
  /** Up to `limit` events with the highest ids below `before`, from the channels that `pattern` matches, in order of id. */
  last(pattern: string, before: number, limit: number): MaybePromise<readonly StoredEvent[]>;
  range(pattern: string): MaybePromise<HistoryRange>;
  /** Discards events that are too old. The server calls this periodically; events above `maxEvents` are discarded on append. */
  expire(): MaybePromise<void>;
  close(): Promise<void>;
}
