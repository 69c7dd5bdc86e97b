import type {
  Event,
  HandshakeRequest,
  JsonObject,
  ReadableRequest,
  Reply,
  Request,
} from '../protocol/message.ts';
import type { HeardMessage } from '../core/listeners.ts';
import type { Conduit } from './conduit.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Session } from '../core/session.ts';

/** What the application says, as it gave it: no copy yet, so that it may hold what JSON cannot carry. */
export interface Said {
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/**
 * Looks at messages as they pass. Each hook is optional, and one that is absent costs nothing.
 * What it keeps of a session goes into `session.attributes[name]`, plain JSON, so that a session can move.
 * Hooks may throw a `BayeuxError` to refuse a message; anything else they throw is logged and taken for "continue" (PR-8).
 * A promise that takes longer than `hookTimeout` fails the message with `500::server_error`. A promise of `delivering`, `hearing`
 * or `saying` is logged as an error: `delivering` then keeps the event from the session, `hearing` fails the message, and of
 * `saying` nothing is taken.
 */
export interface Extension {
  readonly name: string;
  /** The requests that `incoming` is called for, and whose replies `outgoing` is; all when absent. */
  readonly kinds?: readonly Request['kind'][];
  /** A handshake succeeded; its reply is not written yet. Nobody waits for what this returns. */
  opened?(session: Session, request: HandshakeRequest): unknown;
  /** Every readable request of those kinds, in order of registration, and whether it came `alone` in its batch; `undefined` deletes it (`404::message_deleted`). */
  incoming?(
    request: ReadableRequest,
    session: Session | undefined,
    conduit: Conduit,
    alone: boolean,
  ): MaybePromise<ReadableRequest | undefined>;
  /** Every event published to a broadcast channel, once, before it is encoded; `undefined` deletes it. */
  publishing?(event: Event, session: Session | undefined): MaybePromise<Event | undefined>;
  /**
   * Every reply to those kinds, in reverse order of registration; `undefined` makes it a failure `404::message_deleted` (PR-7).
   * What tells a client that the server ended its session passes as a reply to a disconnect, and cannot be deleted (DC-6).
   */
  outgoing?(reply: Reply, session: Session | undefined, request: Request): MaybePromise<Reply | undefined>;
  /** Every event for one session, before it is queued; `undefined` drops it. A changed event is encoded for that session alone (DL-7). */
  delivering?(event: Event, session: Session): Event | undefined;
  /** What a client published, on its way to the application: called where somebody listens only, and before anybody is told. */
  hearing?(message: HeardMessage): HeardMessage;
  /** What the application publishes, delivers, or answers to a remote call. */
  saying?(said: Said): Said;
}

/** The name of a hook. */
export type Hook = Exclude<keyof Extension, 'name' | 'kinds'>;
