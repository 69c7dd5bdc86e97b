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
import type { User } from './user.ts';

/** Where a session is between its handshake and its end. */
export type SessionState = 'new' | 'idle' | 'held' | 'gone';

/** Reasons for which the server may end a session. */
export const disconnectReasons = ['disconnected', 'overflow', 'revoked', 'expired', 'inactive'] as const;

export type DisconnectReason = (typeof disconnectReasons)[number];

/** Reasons that end a session whose client may go on with a new one. */
export type StartOverReason = 'history' | 'unverified';

/** The events of `session.on`, by name. */
export interface SessionEvents {
  /** Emitted once, whatever ended the session. */
  readonly closed: { readonly reason: CloseReason };
  /** The first time that the session subscribes to this pattern (SB-6). */
  readonly subscribed: { readonly pattern: string };
  readonly unsubscribed: { readonly pattern: string };
}

/** One client, from its handshake to its end. */
export interface Session {
  /** Public id of the session. The secret `clientId` is on no public object (HS-16). */
  readonly id: string;
  /** The user, if a token, the policy or the application named one. */
  readonly user: User | undefined;
  /**
   * Data that the application, or an extension under its name, keeps for this session: plain JSON, so that a
   * session can move.
   */
  readonly attributes: Record<string, unknown>;
  /** Names and patterns the session subscribes to. */
  readonly subscriptions: ReadonlySet<string>;
  /** The transport of the last message. */
  readonly transport: TransportName;
  readonly state: SessionState;
  /** Address that sent the handshake, as limits count it: IPv6 by its first 64 bits. Empty in this process. */
  readonly address: string;
  /** Events that wait for the client. */
  readonly waiting: number;
  /** Whether the session gets events that it published itself; `undefined` leaves that to the channel and the server (PB-5). */
  broadcastToPublisher: boolean | undefined;
  /** Sends an event to this session alone, whether it subscribes or not (DL-12). Throws `UsageError` as `server.publish` does. */
  deliver(channel: string, data: unknown, options?: Delivery & { readonly ext?: JsonObject }): void;
  /** Ends the session and tells the client to stop (DC-6). */
  disconnect(reason?: DisconnectReason): void;
  /** Adds a listener. The returned function removes it. Throws `UsageError` for an unknown name. */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => unknown,
  ): () => void;
  /** Adds an extension for this session alone. Throws `UsageError` for unknown names in it. */
  extend(extension: Extension): void;
}

/** A message of the application before it is copied: it may hold what JSON cannot carry. */
export interface SentMessage {
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/** A message as the application receives it. */
export interface ReceivedMessage<Data = unknown> {
  readonly channel: string;
  readonly data: Data;
  readonly ext?: JsonObject;
  /** The id of the request, which identifies a remote call (SV-5). */
  readonly id?: MessageId;
  /** The sender; absent for a publish without a session. */
  readonly session?: Session;
}

/** The session and the conduit of a request. */
export interface Arrival<S extends Session = Session> {
  /** Absent for a handshake, and for a publish without a session. */
  readonly session: S | undefined;
  readonly conduit: Conduit;
  /** Whether the request is the only one in its batch. */
  readonly alone: boolean;
}

/** The work on a request, from the `incoming` of the extensions to its reply; or on an event that the application publishes. */
export interface Work<S extends Session = Session> {
  /** As it came. An event of the application looks like the publish of a client. */
  readonly request: ReadableRequest;
  /** Absent for an event of the application. */
  readonly arrival: Arrival<S> | undefined;
  /** The most specific pattern in `channels` that covers the channel, for metrics and names: it has few values. */
  readonly pattern: string | undefined;
}

/**
 * Sees messages on their way and may change them. Every hook is optional, and an absent hook costs nothing.
 * An extension keeps the data of a session in `session.attributes[name]`, as plain JSON, so that a session
 * can move.
 * A hook may throw a `BayeuxError` to refuse a message. Any other error is logged, and the message goes on
 * unchanged (PR-8). A promise that takes longer than `hookTimeout` fails the message with
 * `500::server_error`.
 * `delivering`, `toApplication` and `fromApplication` must answer at once. If one returns a promise, that is
 * logged as an error: `delivering` then drops the event for the session, `toApplication` fails the message,
 * and the answer of `fromApplication` is ignored.
 */
export interface Extension {
  readonly name: string;
  /** The kinds of requests for which `around` and `incoming` are called, and `outgoing` for their replies. Absent means all. */
  readonly kinds?: readonly Request['kind'][];
  /** Calls `incoming` and `outgoing` only for requests with `ext`, so that others cost nothing. */
  readonly onlyWithExt?: boolean;
  /** A handshake succeeded; its reply is not written yet. A returned promise is not awaited. */
  opened?(session: Session, request: HandshakeRequest): unknown;
  /**
   * Surrounds the work on every readable request of those kinds, and on what the application publishes, so that an
   * `AsyncLocalStorage` holds during it. Calls `next` before it returns; `next` does the work, and returns or throws
   * its outcome, or a promise of it. The hook cannot change the outcome.
   */
  around?(work: Work, next: () => MaybePromise<unknown>): unknown;
  /** Gets every readable request of those kinds, in order of registration. `undefined` deletes it (`404::message_deleted`). */
  incoming?(request: ReadableRequest, arrival: Arrival): MaybePromise<ReadableRequest | undefined>;
  /** Gets every event published to a broadcast channel, once, before it is encoded. `undefined` deletes the event. */
  publishing?(event: Event, session: Session | undefined): MaybePromise<Event | undefined>;
  /**
   * Gets every reply to those kinds, in reverse order of registration. `undefined` makes it a failure
   * `404::message_deleted` (PR-7). The notice that the server ended a session passes as a reply to a
   * disconnect, and cannot be deleted (DC-6).
   */
  outgoing?(reply: Reply, session: Session | undefined, request: Request): MaybePromise<Reply | undefined>;
  /** Gets every event for one session, before it is queued. `undefined` drops it. A changed event has its own encoding (DL-7). */
  delivering?(event: Event, session: Session): Event | undefined;
  /** Gets what a client published, once, before the listeners of the application; not called if there is none. */
  toApplication?(message: ReceivedMessage): ReceivedMessage;
  /** Gets what the application publishes, delivers, or answers to a remote call. */
  fromApplication?(message: SentMessage): SentMessage;
}

/** The name of a hook. */
export type Hook = Exclude<keyof Extension, 'name' | 'kinds' | 'onlyWithExt'>;
