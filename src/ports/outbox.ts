import type { Reply } from '../protocol/message.ts';
import type { OutgoingEvent } from './outgoing-event.ts';
import type { GapsByChannel } from './gap.ts';

/** What became of a pushed event; `full` means that the session has to go (DL-10). */
export type Pushed = 'kept' | 'dropped' | 'full';

/** What waits for one session. First in, first out. */
export interface Outbox {
  /** Events waiting. */
  readonly size: number;
  /** Events waiting that are worth waking a held connect for. */
  readonly urgent: number;
  /** Events it holds in all, where it keeps what was sent until the client says that it came. */
  readonly kept?: number;
  /** Whether all that is lost on the way is sent again; absent where it is not. */
  readonly repeats?: boolean;
  /** All events it holds, for who counts their memory. */
  readonly all: readonly OutgoingEvent[];
  push(event: OutgoingEvent): Pushed;
  /**
   * The oldest events, in order, within both limits (DL-11). Each counts with the comma behind it. At least `least` of them, 0 or 1,
   * if there is any and any is asked for. Events that have become too old are dropped first, so there may be none.
   */
  take(maxBytes: number, maxCount: number, least?: 0 | 1): readonly OutgoingEvent[];
  /**
   * Returns events to the head, in order: what was taken and not handed over whole (DL-8). They press. Where nothing else tells the
   * client which of them it has, those that may have arrived are marked.
   */
  putBack(events: readonly OutgoingEvent[], mayHaveArrived?: boolean): void;
  /**
   * A connect reply, or that of a handshake that brings events, made to say what was taken for it; absent where it says nothing.
   * It tells of gaps only as long as it takes at most `maxBytes`.
   */
  sign?(reply: Reply, maxBytes: number): Reply;
  /** Whether a connect reply that leaves now has gaps to tell of. */
  readonly hasGaps: boolean;
  /** Takes those gaps, as many as `maxBytes` of a reply can tell of; the others wait for the next one. */
  takeGaps(maxBytes: number): GapsByChannel;
  /** Returns them, before the events that went with them: the reply was not handed over whole. */
  putBackGaps(gaps: GapsByChannel): void;
  /** Takes so much more room from what may wait, or gives it back with negative numbers: for what was sent and is kept. */
  reserve(events: number, bytes: number): void;
}

/** What happens when an event does not fit. */
export type OverflowAction = 'disconnect' | 'dropOldest' | 'dropNewest';
