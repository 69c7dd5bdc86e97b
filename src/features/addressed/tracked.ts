import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { ServedSession } from '../../ports/feature.ts';

/** A session of a user, to which messages go. */
export interface Recipient {
  readonly session: ServedSession;
  /** The id of the user. */
  readonly user: string;
  /** Ids of kept messages that also wait in the queue of this session. */
  readonly waitsToo: Set<number>;
  /** Queues a message. False if the session will not get it. */
  queue(event: OutgoingEvent, tracked: Tracked): boolean;
  /** Follows the message no more. */
  forget(tracked: Tracked): void;
}

/** The tag of events whose way to each session is followed. */
export abstract class Tracked {
  /** The event was handed over whole to this session. */
  abstract handedOver(receiver: Recipient): void;
  /** The event will not come to this session. */
  abstract lost(receiver: Recipient): void;
  /** Whether this session need not be followed any more. */
  abstract forget(receiver: Recipient): boolean;
  /** The client of this session confirmed that it has the event. */
  abstract confirmed(receiver: Recipient): void;
}

/** The tag of an event that is followed. */
export function trackedOf({ tag }: OutgoingEvent): Tracked | undefined {
  return tag instanceof Tracked ? tag : undefined;
}
