import type { JsonObject } from '../protocol/message.ts';

/** The part of a history that is asked for. */
export interface HistoryQuery {
  /** Id of the last event that is known already. Absent means from the oldest event. */
  readonly after?: number | undefined;
  /** Events, 100 if absent. At most 1,000. */
  readonly limit?: number | undefined;
  /** Instead of both: the newest events, so many. At most 1,000. */
  readonly last?: number | undefined;
}

/** An event that was published to a durable channel. */
export interface PastEvent {
  readonly id: number;
  /** When it was stored. Epoch milliseconds. */
  readonly at: number;
  readonly channel: string;
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/** A part of the history of durable channels, in order of id. */
export interface HistoryPage {
  readonly events: readonly PastEvent[];
  /** The `after` of the next page; absent on the last page. A page of large events has fewer than `limit`. */
  readonly next?: number;
  /** Whether no event is missing since `after`. Absent without `after`. */
  readonly recovered?: boolean;
}
