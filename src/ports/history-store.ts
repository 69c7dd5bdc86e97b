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
  /** When it was stored, never before the one stored before it. Epoch milliseconds. */
  readonly at: number;
  /** The event as JSON text, without id and time. */
  readonly json: string;
}

/** What of the channels a pattern matches is still there. */
export interface HistoryRange {
  /** The highest id that was discarded and may have been on one of them; for a fresh store, where its ids begin. */
  readonly discardedThrough: number;
  /** The lowest id still there; absent when nothing is. */
  readonly oldest?: number;
}

/** What a store is opened with. */
export interface HistorySettings {
  /** What is kept of a channel; undefined when it is no longer durable, and may be forgotten. */
  retention(channel: string): Retention | undefined;
  /** Epoch milliseconds. */
  now(): number;
}

/**
 * Keeps the events of durable channels. Ids ascend in the order of `append` calls; what an append resolved with survives what
 * the store promises to survive, and every read begun after that sees it. A fresh store begins at epoch milliseconds x 1000 and
 * counts everything below as discarded, so that a lost store neither issues an id again nor pretends continuity (RP-6).
 */
export interface HistoryStore {
  /** Called once, before all else. Rejects when the store cannot be used. */
  open(settings: HistorySettings): Promise<void>;
  /** The highest id issued, or where ids begin. */
  readonly newest: number;
  append(channel: string, json: string): MaybePromise<StoredEvent>;
  /** Up to `limit` events with an id above `after` on channels the name or pattern matches, by id. */
  read(pattern: string, after: number, limit: number): MaybePromise<readonly StoredEvent[]>;
  range(pattern: string): MaybePromise<HistoryRange>;
  /** Discards what is too old by now. The server calls it every so often; too many are discarded as they come in. */
  expire(): MaybePromise<void>;
  close(): Promise<void>;
}
