import type { OutgoingEvent, OverflowRule } from '../../ports/outgoing-event.ts';
import type { OverflowAction } from '../../ports/outbox.ts';
import type { SharedRuns } from './shared-runs.ts';

/** How much may wait for one session (DL-10). */
export interface OutboxLimits {
  /** Events. */
  readonly maxQueue: number;
  /** Bytes. */
  readonly maxQueueBytes: number;
  /** Epoch milliseconds. */
  now(): number;
  readonly runs: SharedRuns;
}

/** The part of its session that an outbox needs. */
export interface OutboxOwner {
  /** An event does not fit. Returns what happens; `forced` where a rule or a limit leaves no choice. */
  overflow(event: OutgoingEvent, forced?: OverflowAction, rule?: OverflowRule): OverflowAction;
  /** An event was dropped, by a rule or by the limits of the queue. */
  dropped(event: OutgoingEvent, rule?: OverflowRule): void;
  /** Sends the queued events at once, if the client can take them. Called before anything is dropped. */
  flushEarly(): void;
}
