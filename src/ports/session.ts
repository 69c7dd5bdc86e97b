import type { MaybePromise } from '../lib/maybe-promise.ts';
import type {
  Event,
  HandshakeRequest,
  JsonObject,
  MessageId,
  ReadableRequest,
  Reply,
  Request,
} from '../protocol/message.ts';
import type { Delivery } from './outgoing-event.ts';
import type { CloseReason, Conduit, TransportName } from './conduit.ts';

/** Where a session is between its handshake and its end. */
export type SessionState = 'new' | 'idle' | 'held' | 'gone';

/** Why the server's side may end a session. */
export type DisconnectReason = 'disconnected' | 'overflow' | 'revoked' | 'expired' | 'inactive';

/** Why a session ends though its client may go on with a new one. */
export type StartOverReason = 'history' | 'unverified';

/** What the application may hear with `session.on`. */
export interface SessionEvents {
  /** Once, whatever ended the session. */
  readonly closed: { readonly reason: CloseReason };
  /** The first time that the session subscribes to this pattern (SB-6). */
  readonly subscribed: { readonly pattern: string };
  readonly unsubscribed: { readonly pattern: string };
}

/** Who a client is. */
export interface User {
  /** What `Directory.sessionsOf` finds the user’s sessions by. */
  readonly id: string;
  /** What else is known of the user: plain JSON. */
  readonly info: JsonObject;
}

/** One client, from its handshake to its end. */
export interface Session {
  /** Public name of the session. The secret `clientId` is on no public object (HS-16). */
  readonly id: string;
  /** The user, where a token or the policy named one. */
  readonly user: User | undefined;
  /** What the application, or an extension under its own name, keeps of this session: plain JSON, so that a session can move. */
  readonly attributes: Record<string, unknown>;
  /** Names and patterns the session subscribes to. */
  readonly subscriptions: ReadonlySet<string>;
  /** The transport of the last message. */
  readonly transport: TransportName;
  readonly state: SessionState;
  /** Whether the session gets events that it published itself; `undefined` leaves that to the channel and the server (PB-5). */
  broadcastToPublisher: boolean | undefined;
  /** Sends an event to this session alone, whether it subscribes or not (DL-12). Throws `UsageError` as `server.publish` does. */
  deliver(channel: string, data: unknown, options?: Delivery & { readonly ext?: JsonObject }): void;
  /** Ends the session: the client is told, and stops (DC-6). */
  disconnect(reason?: DisconnectReason): void;
  /** Hears what happens to this session. The returned function removes the listener. Throws `UsageError` for an unknown name. */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => unknown,
  ): () => void;
  /** Adds an extension for this session alone. Throws `UsageError` for names that nothing looks for. */
  extend(extension: Extension): void;
}

/** What the application sends, as given: no copy yet, so that it may hold what JSON cannot carry. */
export interface SentMessage {
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/** A message as the application receives it. */
export interface ReceivedMessage<Data = unknown> {
  readonly channel: string;
  readonly data: Data;
  readonly ext?: JsonObject;
  /** The id of the request, which tells one remote call from another (SV-5). */
  readonly id?: MessageId;
  /** Who sent it; absent for a publish without a session. */
  readonly session?: Session;
}

/** How a request came. */
export interface Arrival<S extends Session = Session> {
  /** Absent for a handshake, and for a publish without a session. */
  readonly session: S | undefined;
  readonly conduit: Conduit;
  /** Whether the request is the only one in its batch. */
  readonly alone: boolean;
}

/**
 * Looks at messages as they pass. Each hook is optional, and one that is absent costs nothing.
 * What an extension keeps of a session goes into `session.attributes[name]`, plain JSON, so that a session can move.
 * Hooks may throw a `BayeuxError` to refuse a message; anything else they throw is logged and taken for "continue" (PR-8).
 * A promise that takes longer than `hookTimeout` fails the message with `500::server_error`. A promise of `delivering`, `toApplication`
 * or `fromApplication` is logged as an error: `delivering` then keeps the event from the session, `toApplication` fails the message, and of
 * `fromApplication` nothing is taken.
 */
export interface Extension {
  readonly name: string;
  /** The requests that `incoming` is called for, and whose replies `outgoing` is; all when absent. */
  readonly kinds?: readonly Request['kind'][];
  /** True where `incoming` and `outgoing` are for requests with `ext` only, so that others cost nothing. */
  readonly onlyWithExt?: boolean;
  /** A handshake succeeded; its reply is not written yet. Nobody waits for what this returns. */
  opened?(session: Session, request: HandshakeRequest): unknown;
  /** Every readable request of those kinds, in order of registration; `undefined` deletes it (`404::message_deleted`). */
  incoming?(request: ReadableRequest, arrival: Arrival): MaybePromise<ReadableRequest | undefined>;
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
  toApplication?(message: ReceivedMessage): ReceivedMessage;
  /** What the application publishes, delivers, or answers to a remote call. */
  fromApplication?(said: SentMessage): SentMessage;
}

/** The name of a hook. */
export type Hook = Exclude<keyof Extension, 'name' | 'kinds' | 'onlyWithExt'>;
