import type { Reply } from '../protocol/message.ts';
import type { OutgoingEvent } from './outgoing-event.ts';
import type { GapsByChannel } from './gap.ts';

/** The result of a push; `full` means that the session has to end (DL-10). */
export type Pushed = 'kept' | 'dropped' | 'full';

/** The events that wait for one session. First in, first out. */
export interface Outbox {
  readonly size: number;
  /** Size of those events. Bytes. */
  readonly bytes: number;
  /** Waiting events that are worth answering a held connect for. */
  readonly urgent: number;
  /** All events in the outbox, where sent events are kept until the client confirms them. */
  readonly kept?: number;
  /** Whether every event that is lost on the way is sent again. Absent means no. */
  readonly repeats?: boolean;
  /** All events in the outbox, to count their memory. */
  readonly all: readonly OutgoingEvent[];
  push(event: OutgoingEvent): Pushed;
  /** Removes volatile events that were never sent, and returns them. */
  removeVolatile(): readonly OutgoingEvent[];
  /**
   * Takes the oldest events, in order, within both limits (DL-11). Each counts with the comma behind it. The result has at least
   * `least` events, 0 or 1, if any waits and `maxCount` is not 0. Events that have become too old are dropped first, so it may be empty.
   */
  take(maxBytes: number, maxCount: number, least?: 0 | 1): readonly OutgoingEvent[];
  /**
   * Returns taken events that were not handed over whole to the head, in order (DL-8). They are urgent. Events that may have arrived
   * are marked, unless the client learns in another way which of them it has.
   */
  putBack(events: readonly OutgoingEvent[], mayHaveArrived?: boolean): void;
  /**
   * Adds to a connect reply, or to a handshake reply that brings events, what the client needs to confirm the events taken for it. Absent
   * where nothing is added. The reply reports gaps only within `maxBytes`.
   */
  sign?(reply: Reply, maxBytes: number): Reply;
  /** Whether a connect reply that leaves now has gaps to report. */
  readonly hasGaps: boolean;
  /** Takes the gaps that `maxBytes` of a reply can report; the others wait for the next reply. */
  takeGaps(maxBytes: number): GapsByChannel;
  /** Returns the gaps of a reply that was not handed over whole. Called before its events are put back. */
  putBackGaps(gaps: GapsByChannel): void;
  /** Any events may be missing before those that come next: the next connect reply reports a gap without a count, under `/**`. */
  missed(): void;
  /** Reserves room of the limits for sent events that are kept, or gives it back with negative numbers. */
  reserve(events: number, bytes: number): void;
}

/** The action when an event does not fit. */
export type OverflowAction = 'disconnect' | 'dropOldest' | 'dropNewest';
