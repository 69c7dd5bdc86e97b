import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { AllOf, OptionPart } from '../options/parts.ts';
import type { BayeuxError } from '../protocol/errors.ts';
import type {
  Advice,
  ConnectRequest,
  Event,
  HandshakeRequest,
  JsonObject,
  PublishRequest,
  ReadableRequest,
  Reply,
  ReplyFields,
  Request,
  SubscribeRequest,
} from '../protocol/message.ts';
import type { Handling, OutgoingEvent } from './outgoing-event.ts';
import type { Conduit } from './conduit.ts';
import type { Outbox } from './outbox.ts';
import type { HandshakeAnswer } from './policy.ts';
import type { Extension, Session, StartOverReason } from './session.ts';

/** A session as features see it. */
export interface ServedSession extends Session {
  /** What waits for the client. A feature may wrap it before anything is queued, in `opened`. */
  outbox: Outbox;
  /** Whether events travel with connect replies only: always, or where they would come by polling (CN-14, DL-13). */
  deliverOnly: boolean | 'polling';
  /** The socket or stream that events are pushed to, if any. */
  readonly push: Conduit | undefined;
  /** What serves the session now: that socket or stream, or the request of a held connect. */
  readonly carrier: Conduit | undefined;
  /** Whether the session is there as long as its conduit is, and has no connects. */
  readonly livesByConduit: boolean;
  /** The cookie of the browser that the handshake came from (CK-1). */
  readonly browser: string | undefined;
  /** Queues an event, past `takes`. */
  enqueue(event: OutgoingEvent): void;
  /** Ends the session where it cannot go on as promised: the client is told to shake hands again. */
  startOver(reason: StartOverReason): void;
}

/** Sees what comes in and goes out, as it is on the wire: no feature or extension changes it any more, or has changed it yet. */
export interface Watcher {
  /** A batch came, and nobody has looked at it. */
  received(requests: readonly Request[], conduit: Conduit): void;
  /** A socket or stream was opened. */
  joined(conduit: Conduit): void;
}

/** What the server lends to its features once it is put together. */
export interface FeatureHost {
  readonly sessions: Iterable<ServedSession>;
  /** Asks the policy about the session again. */
  canHandshake(
    request: HandshakeRequest,
    conduit: Conduit,
    session: ServedSession,
  ): MaybePromise<HandshakeAnswer>;
  /** Asks the policy about one of its subscriptions again. */
  canSubscribe(
    pattern: string,
    request: SubscribeRequest,
    session: ServedSession,
    conduit: Conduit,
  ): MaybePromise<boolean>;
  /** Ends one subscription of a session. */
  unsubscribe(session: ServedSession, pattern: string): void;
  /** The public id of the session with this clientId. */
  idOf(clientId: string): string | undefined;
  /** Puts a watcher before all that comes. Where none is put, nothing asks for one. */
  watch(watcher: Watcher): void;
}

/** What a subscribe reply says besides, and what is done once it was written. */
export interface SubscribeAddition {
  readonly ext: JsonObject;
  afterwards(): void;
}

/** How a connect is answered that may not be held. */
export interface HoldRefusal {
  /** Absent where the connect succeeds all the same. */
  readonly error?: BayeuxError;
  /** What stands above the usual advice: to come again, or after an error to stop. */
  readonly advice: Partial<Advice>;
}

/**
 * A part of the server that hooks in: an extension that sees more of the server. The core names no feature; each is put in by one
 * line in `server.ts`. Each hook is optional, and one that is absent costs nothing.
 */
export interface Feature extends Extension {
  opened?(session: ServedSession, request: HandshakeRequest): unknown;
  incoming?(
    request: ReadableRequest,
    session: ServedSession | undefined,
    conduit: Conduit,
    alone: boolean,
  ): MaybePromise<ReadableRequest | undefined>;
  outgoing?(
    reply: Reply,
    session: ServedSession | undefined,
    request: Request,
  ): MaybePromise<Reply | undefined>;
  /** The server is put together. */
  start?(host: FeatureHost): void;
  /** Resolves when the feature works; what rejects is logged, and rejects `server.open()`. */
  open?(): Promise<void>;
  close?(): Promise<void> | undefined;
  /** Refuses data that may not be published there. Throws `BayeuxError`. */
  checking?(channel: string, data: unknown): void;
  /** An event was accepted: the feature may store it, and hands it on in its own order. `undefined` where it has no part in it. */
  accepting?<T>(
    event: Event,
    how: Handling,
    next: (event: OutgoingEvent) => MaybePromise<T>,
  ): MaybePromise<T> | undefined;
  /** An event is about to be queued to the sessions of this node. */
  arriving?(event: OutgoingEvent): void;
  /** A subscribe is allowed. What comes back is called just before the subscriptions are made. */
  subscribing?(
    request: SubscribeRequest,
    patterns: readonly string[],
    session: ServedSession,
  ): MaybePromise<(() => SubscribeAddition | undefined) | undefined>;
  /** The `ext` by which a session of this process asks for the events on a pattern that came after this one. */
  resuming?(pattern: string, after: number): JsonObject;
  /** What one session needs of it; nothing for most. */
  attach?(session: ServedSession, request: HandshakeRequest, conduit: Conduit): readonly SessionFeature[];
}

/** The part that one session has in a feature. */
export interface SessionFeature {
  /** Whether the feature itself will bring this event, so that it is not queued now. */
  takes?(event: OutgoingEvent): boolean;
  /** The reply to the publish that this one repeats; undefined where it repeats none. */
  repeated?(request: PublishRequest, conduit: Conduit): ReplyFields | undefined;
  /** A publish was carried out. */
  published?(request: PublishRequest, conduit: Conduit, fields: ReplyFields): void;
  /** A connect came, `alone` in its batch or not. The connect waits for a promise. */
  connecting?(request: ConnectRequest, conduit: Conduit, alone: boolean): MaybePromise<void>;
  /** A connect is to be held: undefined allows it. */
  holding?(conduit: Conduit): HoldRefusal | undefined;
  /** A held connect, which `holding` allowed, is held no longer. */
  released?(): void;
  /** Events are about to leave. */
  sending?(events: readonly OutgoingEvent[]): void;
  /** A reply leaves: `isAll` says whether nothing waits behind it, nor is on its way by another conduit. */
  signing?(reply: Reply, isAll: boolean): Reply;
  /** An event was lost that nothing will bring again. */
  lost?(event: OutgoingEvent): void;
  /** Something was sent, or a connect is held: there may be room for more. */
  mayGoOn?(): void;
  unsubscribed?(pattern: string): void;
  closed?(): void;
}

/** The type of a hook that is there. */
export type FeatureHook<Name extends keyof Feature> = NonNullable<Feature[Name]>;

/**
 * What a folder of `features/` puts into a server: its options, what it lets rules of channels say, and the feature itself. It
 * stands in the list of `server-features.ts`. What the functions are given, they name themselves, as far as they need it.
 */
export interface FeatureModule extends OptionPart {
  /** Makes the feature; undefined where the options do not ask for it. */
  make(parts: object): Feature | undefined;
}

/** What modules need to make their features. */
export type PartsFor<Modules extends readonly FeatureModule[]> = AllOf<
  Modules[number] extends infer Module
    ? Module extends { make(parts: infer Parts): unknown }
      ? Parts
      : never
    : never
>;
