import type { Event, HandshakeRequest, ReadableRequest, Reply } from '../protocol/message.ts';
import type { Conduit } from './conduit.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Session } from './session.ts';

/**
 * Looks at messages as they pass. Each hook is optional, and one that is absent costs nothing.
 * What it keeps of a session goes into `session.attributes[name]`, plain JSON, so that a session can move.
 * Hooks may throw a `BayeuxError` to refuse a message; anything else they throw is logged and taken for "continue" (PR-8).
 */
export interface Extension {
  readonly name: string;
  /** A handshake succeeded; its reply is not written yet. */
  opened?(session: Session, request: HandshakeRequest): void;
  /** Every readable request, in order of registration; `undefined` deletes it (`404::message_deleted`). */
  incoming?(
    request: ReadableRequest,
    session: Session | undefined,
    conduit: Conduit,
  ): MaybePromise<ReadableRequest | undefined>;
  /** Every event published to a broadcast channel, once, before it is encoded; `undefined` deletes it. */
  publishing?(event: Event, session: Session | undefined): MaybePromise<Event | undefined>;
  /** Every reply, in reverse order of registration; `undefined` makes it a failure `404::message_deleted` (PR-7). */
  outgoing?(reply: Reply, session: Session | undefined): MaybePromise<Reply | undefined>;
  /** Every event for one session, before it is queued; `undefined` drops it. A changed event is encoded for that session alone (DL-7). */
  delivering?(event: Event, session: Session): Event | undefined;
}
