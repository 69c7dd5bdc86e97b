import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { Records } from '../../ports/feature.ts';
import type { Event } from '../../protocol/message.ts';
import type { Reads } from './read-receipts.ts';
import type { Receiver } from './receiver.ts';

/** The parts that kept messages need. */
export interface KeptParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly log: Log;
  readonly reads: Reads;
  /** The sessions of a user that have connected. */
  connected(user: string): MaybePromise<readonly Receiver[]>;
}

/** A kept message as it is stored. */
export interface KeptMessage {
  /** Epoch milliseconds. */
  readonly until: number;
  readonly event: Event;
  /** The session that wants to know when it was read. */
  readonly reader?: string;
}

/** The name of a user's messages in the store. */
export const messagesOf = (user: string) => `messages:${user}`;

/** The name of the ids of those that were handed over. */
export const deliveredTo = (user: string) => `delivered:${user}`;
