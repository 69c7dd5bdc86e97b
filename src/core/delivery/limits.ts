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
  /** What sessions that got the same have in common. */
  readonly runs: SharedRuns;
}

/** Whom an outbox belongs to. */
export interface OutboxOwner {
  /** Asked each time an event does not fit; or only told, where there is no choice, and by which rule. */
  overflow(event: OutgoingEvent, forced?: OverflowAction, rule?: OverflowRule): OverflowAction;
  /** Asked before anything is dropped: sends at once what waits, if the client takes it. */
  flushEarly(): void;
}
