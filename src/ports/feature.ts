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
  UnsubscribeRequest,
} from '../protocol/message.ts';
import type { Publication } from './engine.ts';
import type { Handling, OutgoingEvent, OverflowRule } from './outgoing-event.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import type { CloseReason, Conduit } from './conduit.ts';
import type { Directory, Sum } from './directory.ts';
import type { Outbox } from './outbox.ts';
import type { HandshakeAnswer } from './policy.ts';
import type { RefusalNotes } from './refusal-notes.ts';
import type { Revocation } from './revocations.ts';
import type { Shared } from './shared.ts';
import type { Arrival, DisconnectReason, Extension, Session, StartOverReason } from './session.ts';
import type { User } from './user.ts';

/** A session as features see it. */
export interface ServedSession extends Session {
  /** Its id never changes; its info may. */
  user: User | undefined;
  /** Events that wait for the client. A feature may wrap the outbox in `opened`, before any event is queued. */
  outbox: Outbox;
  /** Whether events travel only with connect replies: always, or only on polling transports (CN-14, DL-13). */
  deliverOnly: boolean | 'polling';
  /** The socket or stream that events are pushed to, if any. */
  readonly push: Conduit | undefined;
  /** That socket or stream, else the request of the held connect. */
  readonly carrier: Conduit | undefined;
  /** Whether an event that is queued now can leave in this turn of the event loop. */
  readonly takesNow: boolean;
  /** Whether the session lives as long as its conduit and needs no connects. */
  readonly livesByConduit: boolean;
  /** Id of the browser that sent the handshake (CK-1). */
  readonly browser: string | undefined;
  /** Ends the session as an application would. A held connect fails with `error`: `410::session_disconnected` if absent. */
  disconnect(reason?: DisconnectReason, error?: BayeuxError): void;
  /** Queues an event, which leaves at the end of this turn or with the next response. False if the session will not get it. */
  queue(event: OutgoingEvent): boolean;
  /** As `queue`, without asking `takes`. */
  enqueue(event: OutgoingEvent): boolean;
  /** Tells the features that the client has these events: it said so. */
  confirmed(events: readonly OutgoingEvent[]): void;
  /** Ends the session, since it cannot go on as promised, and tells the client to shake hands again. */
  startOver(reason: StartOverReason): void;
}

/** A session that events are queued for. */
export type Addressee = Pick<ServedSession, 'id' | 'queue'>;

/** Rights that a client may be granted. `call`: publish to a service channel. `history`: subscribe from a past position. */
export type Right = 'subscribe' | 'publish' | 'call' | 'history';

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
  /** The channel, or pattern, whose right a subscription asks: another one if the pattern is reserved. */
  rightTo(pattern: string): string;
  /** Asks the features whether a session has a right to a channel, or to all channels of a pattern. */
  permits(
    right: Right,
    pattern: string,
    session: ServedSession,
    message: ReadableRequest,
  ): MaybePromise<boolean>;
  unsubscribe(session: ServedSession, pattern: string): void;
  readonly directory: Directory;
  /** What all nodes keep together; undefined where each node has its own. */
  readonly shared: Shared | undefined;
  /** The other nodes, for the feature of this name; undefined on a node of its own. */
  peersOf(feature: string): PeersAbout | undefined;
  /** The session with this public id, if it is connected to this node. */
  session(id: string): ServedSession | undefined;
  /** Queues one event for these sessions, whether they subscribe or not. */
  deliver(sessions: readonly Addressee[], event: OutgoingEvent): void;
  /** Asks the policy whether a message of a session may go to this user. An error of the policy is logged, and denies it. */
  canSend(
    message: PublishRequest,
    session: ServedSession,
    conduit: Conduit,
    to: string,
    payload: unknown,
  ): MaybePromise<boolean>;
  /** Where features keep records; undefined if no feature offers it. */
  readonly records: Records | undefined;
  /** The public id of the session with this clientId. */
  idOf(clientId: string): string | undefined;
  /** Puts a watcher before all that comes. Where none is put, nothing asks for one. */
  watch(watcher: Watcher): void;
  /**
   * Tests the JSON texts of all that comes before they are read; `undefined` ends that. The test throws `NoRoomError` to refuse.
   * Without a test nothing is called.
   */
  screen(test: ((texts: string | readonly string[]) => void) | undefined): void;
  /** Logs what the feature refuses, and counts it by its option. */
  readonly refusals: RefusalNotes;
  /** Tells this function each refusal of the server, also those that are not logged. One that throws is a bug. */
  hearRefusals(listener: RefusalNotes['note']): void;
}

/** The other nodes, for questions about one topic. Of a feature, the hook `asked` answers there. */
export interface PeersAbout {
  /** Names of the nodes that live, as far as this one knows: the public ids of their sessions begin with them. */
  readonly nodes: readonly string[];
  /** Questions and answers are plain JSON. Rejects when there is no answer within `ms` milliseconds. */
  ask(node: string, question: JsonObject, ms: number): Promise<unknown>;
  /** Asks each node, and waits half a second at most. Undefined for a node that did not answer. */
  askAll(question: JsonObject): Promise<readonly unknown[]>;
}

/** Records that features keep under names of their own, in order. They survive whatever the store of events survives. */
export interface Records {
  /** Adds a record, and returns its id: ids ascend. */
  add(name: string, json: string): MaybePromise<number>;
  /** Up to `limit` records of a name with ids above `after`, in order. */
  read(name: string, after: number, limit: number): MaybePromise<readonly KeptRecord[]>;
}

/** One record. */
export interface KeptRecord {
  readonly id: number;
  readonly json: string;
}

/** Why an event was dropped. `volatile`: it could not leave at once. */
export type Loss = OverflowRule | 'queue' | 'volatile';

/** A message whose rate may be limited. */
export type MeteredRequest = PublishRequest | SubscribeRequest | UnsubscribeRequest;

/**
 * Channels that only the server sends on: those with this first segment. Clients and the application cannot publish to
 * them, and a client subscribes to exact names alone. A feature brings their events with `FeatureHost.deliver`.
 */
export interface Reservation {
  readonly segment: string;
  /** The channel whose right a subscription to a reserved channel asks. */
  rightTo(channel: string): string;
}

/** An addition to a subscribe reply, and work to do once the reply was written. */
export interface SubscribeAddition {
  readonly ext?: JsonObject;
  afterwards(): void;
}

/** Carries out a publish, and returns the fields of its reply. Throws `BayeuxError` to refuse it. */
export type Answer = () => MaybePromise<ReplyFields>;

/** Takes a publication to all nodes. Resolves with the event as this node delivered it. */
export type Carry = (publication: Publication) => Promise<OutgoingEvent>;

/** The answer to a connect that a feature does not allow to be held. */
export interface HoldRefusal {
  /** Absent if the connect succeeds. */
  readonly error?: BayeuxError;
  /** Overrides the usual advice: to connect again, or after an error to stop. */
  readonly advice: Partial<Advice>;
}

/**
 * An extension with access to more of the server. The core names no feature: each is one line in
 * `server-features.ts`. Every hook is optional, and an absent hook costs nothing.
 */
export interface Feature extends Extension {
  readonly reserves?: Reservation;
  opened?(session: ServedSession, request: HandshakeRequest): unknown;
  incoming?(
    request: ReadableRequest,
    arrival: Arrival<ServedSession>,
  ): MaybePromise<ReadableRequest | undefined>;
  outgoing?(
    reply: Reply,
    session: ServedSession | undefined,
    request: Request,
  ): MaybePromise<Reply | undefined>;
  /** The server is assembled. Called before `open`. */
  start?(host: FeatureHost): void;
  /** Resolves when the feature is ready. A rejection is logged and rejects `server.open()`. */
  open?(): Promise<void>;
  close?(): Promise<void> | undefined;
  /** The same feature on another node asks: see `FeatureHost.peersOf`. What it returns is sent as JSON; a late question may come, too. */
  asked?(question: JsonObject): MaybePromise<unknown>;
  /** How much the feature has now, for monitoring: numbers by name. */
  measuring?(): Readonly<Record<string, number>>;
  /**
   * A handshake came, and neither features nor policy were asked about it yet. It waits for the promise. Throws `NoRoomError` to
   * refuse it: the client comes again later (HS-14). Not called for trusted conduits.
   */
  admitting?(request: HandshakeRequest, conduit: Conduit): MaybePromise<void>;
  /** The peer of a conduit is gone. Its handshake may still wait in `admitting`. */
  hungUp?(conduit: Conduit): void;
  /**
   * A batch came for a session, from a conduit that is not trusted. It waits for the promise. `onlyConnects`: it may have to be
   * handled at once. Throws `NoRoomError` to refuse it.
   */
  pacing?(bytes: number, session: ServedSession, onlyConnects: boolean): Promise<void> | undefined;
  /**
   * A message is about to be judged; `session` is undefined for a publish without one. Throws `BayeuxError` to refuse it. Not called
   * for trusted conduits.
   */
  metering?(request: MeteredRequest, session: ServedSession | undefined, conduit: Conduit): void;
  /**
   * The user that sends a handshake; undefined if this feature does not know. Called before the policy. Throws
   * `BayeuxError` to refuse.
   */
  identifying?(request: HandshakeRequest, conduit: Conduit): MaybePromise<User | undefined>;
  /**
   * Whether a client has a right to a channel, or to all channels of a pattern. Called before the policy. `conduit` is
   * present for a publish without a session. Throws `BayeuxError` to refuse with another error.
   */
  permitting?(
    right: Right,
    channel: string,
    session: ServedSession | undefined,
    message: ReadableRequest,
    conduit?: Conduit,
  ): MaybePromise<boolean>;
  /**
   * Called when a user, a token or a session is revoked. The feature ends the sessions whose tokens it knows, on all nodes, and
   * returns their number. `session` is the session that the revocation names. Throws or rejects with `NoRoomError` if the feature
   * cannot store the revocation.
   */
  revoking?(revocation: Revocation, session: ServedSession | undefined): MaybePromise<Sum<number>>;
  /** Throws `BayeuxError` for data that may not be published to the channel. */
  checking?(channel: string, data: unknown): void;
  /**
   * A publish is allowed, and its data was checked. The feature may carry it out itself, in place of listeners and
   * subscribers: it returns the function that does so, which is called when it is the turn of the publish; `undefined` if it does not.
   * `session` is absent for a publish without one. Throws `BayeuxError` to refuse it.
   */
  answering?(
    request: PublishRequest,
    session: ServedSession | undefined,
    conduit: Conduit,
  ): Answer | undefined;
  /**
   * An event was accepted. The feature may store it and call `next` later, in the order of these calls; `undefined` if it does
   * not handle the event. Then no other publish of the client comes between, unless the feature handles it, too. With `carry`, the
   * engine is not asked to publish the event.
   */
  accepting?<T>(
    event: Event,
    handling: Handling,
    next: (event: OutgoingEvent, carry?: Carry) => MaybePromise<T>,
  ): MaybePromise<T> | undefined;
  /**
   * An event is about to be queued to these sessions of this node. `publication`: the event as it came from the engine, with the session
   * that published it, for those that subscribe to its channel; absent for an event that names its receivers, which may come here more
   * than once. The list is shared: do not change or keep it.
   */
  arriving?(
    event: OutgoingEvent,
    receivers: readonly Pick<ServedSession, 'id'>[],
    publication?: Publication,
  ): void;
  /** A subscribe is allowed. The returned function is called just before the subscriptions are made. */
  subscribing?(
    request: SubscribeRequest,
    patterns: readonly string[],
    session: ServedSession,
  ): MaybePromise<(() => SubscribeAddition | undefined) | undefined>;
  /** The `ext` with which an in-process session asks for the events of a pattern that came after this id. */
  resuming?(pattern: string, after: number): JsonObject;
  /** Keeps records for other features. How long, their channel rules say in `records`. */
  readonly records?: Records;
  /** The parts of a new session in this feature; an empty list for most. */
  attach?(session: ServedSession, request: HandshakeRequest, conduit: Conduit): readonly SessionFeature[];
}

/** One session in a feature: its state and hooks. */
export interface SessionFeature {
  /** Whether the feature itself will bring this event, so that it is not queued now. */
  takes?(event: OutgoingEvent): boolean;
  /** The earlier reply if this publish is a repeat; undefined if not. */
  repeated?(request: PublishRequest, conduit: Conduit): MaybePromise<ReplyFields> | undefined;
  /** A publish was carried out, or is being carried out: then the fields of its reply are a promise, which may reject. */
  published?(request: PublishRequest, conduit: Conduit, fields: MaybePromise<ReplyFields>): void;
  /** A connect came, `alone` in its batch or not. If this returns a promise, the connect waits for it. */
  connecting?(request: ConnectRequest, conduit: Conduit, alone: boolean): MaybePromise<void>;
  /** A connect is to be held: undefined allows it. */
  holding?(conduit: Conduit): HoldRefusal | undefined;
  /** A connect that `holding` allowed is no longer held. */
  released?(): void;
  /** Events are about to leave. */
  sending?(events: readonly OutgoingEvent[]): void;
  /** A reply leaves. `isAll`: no event waits behind it, and none is unsettled on another conduit. */
  signing?(reply: Reply, isAll: boolean): Reply;
  /** A batch was handed over whole (DL-8). */
  handedOver?(batch: readonly Outgoing[]): void;
  /** The client has said that it has these events. */
  confirmed?(events: readonly OutgoingEvent[]): void;
  /** An event was dropped and will not be delivered later. */
  lost?(event: OutgoingEvent, why: Loss): void;
  /** Any events may be missing before those that come next: the engine could not bring them to this node. */
  missed?(): void;
  /** Events that were sent were not handed over whole (DL-8), and wait again. */
  returned?(events: readonly OutgoingEvent[]): void;
  /** Queues more events if there is room: something was sent, or a connect is held. */
  queueMore?(): void;
  /** The session subscribes to a pattern that it did not subscribe to before. */
  subscribed?(pattern: string): void;
  /** A subscription was removed, or was asked to be. Not called when the session ends. */
  unsubscribed?(pattern: string): void;
  /** `session.user` was replaced: its info may be another. */
  userChanged?(): void;
  /** The session ended. Its subscriptions are still there. */
  closed?(reason: CloseReason): void;
}

/** The type of a hook, without `undefined`. */
export type FeatureHook<Name extends keyof Feature> = NonNullable<Feature[Name]>;

/**
 * The contribution of a folder of `features/` to a server: options, fields of channel rules, and the feature
 * itself. `server-features.ts` lists all modules. Each function declares only the parts that it needs.
 */
export interface FeatureModule extends OptionPart {
  /** Makes the feature; undefined if the options do not enable it. */
  make(parts: object): Feature | undefined;
}

/** The parts that these modules need to make their features. */
export type PartsFor<Modules extends readonly FeatureModule[]> = AllOf<
  Modules[number] extends infer Module
    ? Module extends { make(parts: infer Parts): unknown }
      ? Parts
      : never
    : never
>;
