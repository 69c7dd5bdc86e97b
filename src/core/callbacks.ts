import type { OutgoingEvent } from '../ports/outgoing-event.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { OverflowAction } from '../ports/outbox.ts';
import type { PolicyRequest } from '../ports/policy.ts';
import type { Session } from '../ports/session.ts';

/** Decides what happens when an event does not fit the queue of a session (DL-10). */
export type OverflowDecision = (overflow: {
  readonly session: Session;
  readonly event: OutgoingEvent;
}) => OverflowAction;

/** Says whether a publish without a session is accepted (PB-3). */
export type UnconnectedPublish = (question: PolicyRequest) => MaybePromise<boolean>;
