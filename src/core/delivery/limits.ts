import type { OutgoingEvent, OverflowRule } from '../../ports/outgoing-event.ts';
import type { OverflowAction } from '../../ports/outbox.ts';
import type { Session } from '../../ports/session.ts';
import type { OnOverflow } from './overflow-decision.ts';
import type { SharedRuns } from './shared-runs.ts';

/** How much may wait for one session (DL-10). */
export interface OutboxLimits {
  /** Events. */
  readonly maxQueue: number;
  /** Bytes. */
  readonly maxQueueBytes: number;
  /** The action for an event that does not fit, where neither a rule nor the room leaves a single one. */
  readonly onOverflow: OnOverflow;
  /** Epoch milliseconds. */
  now(): number;
  readonly runs: SharedRuns;
}

/** The part of its session that an outbox needs. */
export interface OutboxOwner {
  readonly session: Session;
  /** `event` does not fit, or waits for too long, so `dropped` was dropped: that event or, with `dropOldest`, another one. */
  overflow(dropped: OutgoingEvent, event: OutgoingEvent, action: OverflowAction, rule?: OverflowRule): void;
  /** Sends the queued events at once, if the client can take them. Called before anything is dropped. */
  flushEarly(): void;
}
