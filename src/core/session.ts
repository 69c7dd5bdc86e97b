import type { Log } from '../lib/log.ts';
import { andThen, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import { memoryOf } from '../lib/memory.ts';
import { TaskQueue } from '../lib/task-queue.ts';
import type { Stamped } from '../channels/channel-index.ts';
import type { CloseReason, Conduit, ConduitOwner, TransportName } from '../ports/conduit.ts';
import type { HoldRefusal, ServedSession, SessionFeature } from '../ports/feature.ts';
import type { Outbox } from '../ports/outbox.ts';
import type {
  DisconnectReason,
  Extension,
  SessionEvents,
  SessionState,
  StartOverReason,
} from '../ports/session.ts';
import type { User } from '../ports/user.ts';
import type { Timing } from '../ports/transport.ts';
import type { ChannelGrammar } from '../protocol/channel.ts';
import { type BayeuxError, errors, NoRoomError } from '../protocol/errors.ts';
import type { Advice, ConnectRequest, PublishRequest, ReplyFields } from '../protocol/message.ts';
import type { OutgoingReply } from '../protocol/outgoing.ts';
import type { OutgoingEvent } from '../ports/outgoing-event.ts';
import { addressedEvent, type AddressedOptions, queueFor } from './addressed.ts';
import type { Seat } from './admission.ts';
import type { AdviceKind, Advisor } from './advice.ts';
import type { Counts } from './counts.ts';
import type { Deadlines, Waiter } from './deadlines.ts';
import type { Backlog } from './delivery/backlog.ts';
import { SessionFeatures } from './session-features.ts';
import { Sender, type SenderHost, type SenderOwner } from './delivery/sender.ts';
import type { Events } from './events.ts';
import type { Features } from './features.ts';
import { checkExtension, type HookedSession, HookLists, type Hooks } from './hooks.ts';
import type { DeliveryRules } from './delivery/rules.ts';
import type { Intake } from './intake.ts';
import type { Replies } from './replies.ts';
import type { Transports } from './transports.ts';

/** The parts of the server that a session needs. */
export interface SessionHost extends SenderHost {
  readonly options: {
    readonly handshakeDelivery: boolean;
    readonly maxLazyTimeout: number;
    readonly writeDelay: number;
  };
  readonly deadlines: Deadlines;
  readonly log: Log;
  readonly grammar: ChannelGrammar;
  readonly transports: Transports;
  readonly advisor: Advisor;
  readonly replies: Replies;
  readonly hooks: Hooks;
  readonly rules: DeliveryRules;
  readonly backlog: Backlog;
  readonly features: Features;
  readonly intake: Intake;
  readonly events: Events;
  readonly counts: Counts;
  readonly sessions: { remove(session: Session): void };
  readonly subscriptions: { removeAll(session: Session): void };
}

/** The fields of a new session. */
export interface SessionInit {
  readonly id: string;
  readonly clientId: string;
  readonly user?: User;
  readonly transport: TransportName;
  /** Id of the browser that sent the handshake (CK-1). */
  readonly browser?: string;
  readonly seat: Seat;
  /** Times that override those of the transport. */
  readonly timing?: Partial<Timing>;
}

/** The kind of reply in a response. It decides which events may travel with the reply, and on which side of it. */
export type Carried = 'handshake' | 'connect' | 'other';

/** Time without progress after which a response that is being read counts as lost, at least. Milliseconds. */
const READING = 10_000;

/** Maximum extra time for a client to come back that has a large response to read. Milliseconds. */
const MOST_ALLOWED = 60_000;

/** Memory up to which a held connect is not counted: every session has room for that. Bytes. */
const LIGHT = 1024;

interface Held {
  readonly request: ConnectRequest;
  /** Memory of the request if it is large, else 0. Bytes. */
  readonly memory: number;
  readonly conduit: Conduit;
  /** How long the session lives after the reply. Milliseconds. */
  readonly grace: number;
}

/**
 * One client, from its handshake to its end. Each state has one deadline.
 *
 *           connect, alone        event, no push path   connection lost   disconnect   deadline
 *   new     answered: idle        waits                 -                 gone         interval + maxInterval: gone
 *   idle    held, or answered     waits                 -                 gone         interval + maxInterval: gone
 *   held    older one yields      answered: idle        idle              gone         timeout: answered, idle
 *   gone    402                   -                     -                 402          none
 *
 * Events are pushed when a socket or stream is attached and the session is not deliverOnly. Otherwise they
 * leave with a response. The session holds the connects of every transport.
 */
export class Session implements ServedSession, HookedSession, SenderOwner, ConduitOwner, Stamped, Waiter {
  // Fields that each event reads come first, to be together in memory: worth a tenth in benchmark W3.
  state: SessionState;
  readonly #host: SessionHost;
  readonly #sender: Sender;
  #push: Conduit | undefined;
  /** Whether events are pushed to a socket or stream. Written only by `#setPush`. */
  isPushed: boolean;
  /** Extensions of the server, then of the session. Written only by `extend`. */
  hookLists: HookLists;
  #deliverOnly: boolean | 'polling' = false;

  /** The parts of the session in the features. Written only by `join`. */
  features: SessionFeatures;

  readonly id: string;
  readonly seat: Seat;
  readonly subscriptions = new Set<string>();
  /** Memory of the subscriptions if no other session shared them. Bytes. */
  subscriptionBytes = 0;
  /** Memory of its messages that wait or are being handled. Written by `Batch`. Bytes. */
  waitingBytes = 0;
  broadcastToPublisher: boolean | undefined;
  /** The mark of the channel index. */
  stamp = 0;
  // Written by `Deadlines`.
  rank = 0;
  slot = -1;
  dueAt = 0;

  /** Handles the requests of the session one after another (PR-12). Made by `Batch` for the first one that takes time. */
  tasks: TaskQueue | undefined;
  /** Its publishes that a feature stores. Made with the first of them. */
  stores: TaskQueue | undefined;
  // Made when first asked for.
  #attributes: Record<string, unknown> | undefined;

  // Private, so that printing or storing a session does not reveal them.
  readonly #clientId: string;
  #user: User | undefined;
  readonly #browser: string | undefined;
  readonly #timing: Partial<Timing> | undefined;
  #transport: TransportName;
  // Of `#transport`. Milliseconds.
  #maxInterval: number;
  #connected = false;
  #wasTold = false;
  // Silence allowed now, extra time for a large response, and for how long reading has extended the deadline. Milliseconds.
  #grace = 0;
  #extraTime = 0;
  #extendedFor = 0;
  #held: Held | undefined;

  constructor(init: SessionInit, host: SessionHost) {
    this.id = init.id;
    this.#clientId = init.clientId;
    this.#user = init.user;
    this.#browser = init.browser;
    this.seat = init.seat;
    this.#transport = init.transport;
    this.#timing = init.timing;
    this.#host = host;
    this.state = 'new';
    this.isPushed = false;
    this.features = SessionFeatures.none;
    this.hookLists = host.hooks.lists;
    this.#sender = new Sender(this, host);
    const { interval, maxInterval } = this.timing(init.transport);
    this.#maxInterval = maxInterval;
    this.#grace = interval + maxInterval;
    this.#enter('new', this.#grace);
  }

  /** The session as it is printed or stringified: without secrets. */
  toJSON(): object {
    const { id, user, transport, state } = this;
    return { id, ...(user !== undefined && { user: user.id }), transport, state };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  /** The client's bearer secret. */
  get clientId(): string {
    return this.#clientId;
  }

  get attributes(): Record<string, unknown> {
    this.#attributes ??= {};
    return this.#attributes;
  }

  get user(): User | undefined {
    return this.#user;
  }

  set user(user: User | undefined) {
    this.#user = user;
    for (const feature of this.features.all) feature.userChanged?.();
  }

  get browser(): string | undefined {
    return this.#browser;
  }

  /** Sets the parts of the session in the features. Called once, when the session opens. */
  join(features: readonly SessionFeature[]): void {
    this.features = features.length === 0 ? SessionFeatures.none : new SessionFeatures(features);
  }

  get deliverOnly(): boolean | 'polling' {
    return this.#deliverOnly;
  }

  set deliverOnly(only: boolean | 'polling') {
    this.#deliverOnly = only;
    this.#setPush(this.#push);
  }

  get outbox(): Outbox {
    return this.#sender.outbox;
  }

  set outbox(outbox: Outbox) {
    this.#sender.outbox = outbox;
  }

  get heldOn(): Conduit | undefined {
    return this.#held?.conduit;
  }

  get takesNow(): boolean {
    return this.#sender.takesNow;
  }

  /** Whether a connect of the session was ever answered. */
  get connected(): boolean {
    return this.#connected;
  }

  get livesByConduit(): boolean {
    return this.#host.transports.livesByConduit(this.#transport);
  }

  /** Whether the client was told to stop, not to shake hands again. */
  get wasTold(): boolean {
    return this.#wasTold;
  }

  get transport(): TransportName {
    return this.#transport;
  }

  get address(): string {
    return this.seat.address;
  }

  get waiting(): number {
    return this.outbox.size;
  }

  get push(): Conduit | undefined {
    return this.#push;
  }

  get carrier(): Conduit | undefined {
    return this.#push ?? this.#held?.conduit;
  }

  deliver(channel: string, data: unknown, options: AddressedOptions = {}): void {
    const usage = "write session.deliver('/private/offer', { price: 5 })";
    queueFor([this], addressedEvent(channel, data, options, usage, this.#host), this.#host);
  }

  disconnect(reason: DisconnectReason = 'disconnected', error = errors.sessionDisconnected()): void {
    if (this.state === 'gone') return;
    this.#wasTold = true;
    const held = this.#unhold();
    const push = this.#push;
    // Detached first: closing would end a stream before it carried the notice.
    if (push !== undefined) this.detach(push);
    this.close(reason);
    void andThen(this.#host.replies.notice(this), (notice) => {
      if (held === undefined) {
        push?.send([notice]);
        push?.end('disconnected', reason);
        return;
      }
      void andThen(this.#failure(held, error), (reply) => {
        held.conduit.send([notice, reply]);
        push?.end('disconnected', reason);
      });
    });
  }

  startOver(reason: StartOverReason): void {
    const held = this.#unhold();
    this.close(reason);
    if (held !== undefined) this.#fail(held, errors.sessionUnknown(), 'again');
  }

  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => unknown,
  ): () => void {
    return this.#host.events.of(this).on(name, listener);
  }

  extend(extension: Extension): void {
    checkExtension(extension);
    this.hookLists = new HookLists([...this.hookLists.extensions, extension]);
  }

  /** The times of the session on a transport: its own, else the transport's, else the server's. */
  timing(transport: TransportName): Timing {
    const timing = this.#host.transports.timing(transport);
    if (this.#timing === undefined || this.#host.transports.livesByConduit(transport)) return timing;
    return { ...timing, ...this.#timing };
  }

  /** Whether its events travel on this transport only with connect replies (CN-14). */
  isDeliverOnly(transport: TransportName): boolean {
    const own = this.deliverOnly === 'polling' ? transport.endsWith('polling') : this.deliverOnly;
    return own || this.#host.transports.deliverOnly(transport);
  }

  /** Queues an event, which leaves at the end of this turn or with the next response. */
  queue(event: OutgoingEvent): boolean {
    for (const feature of this.features.taking) if (feature.takes?.(event)) return true;
    return this.enqueue(event);
  }

  enqueue(event: OutgoingEvent): boolean {
    if (this.state === 'gone') return false;
    const hasHooks = this.hookLists.delivering.length > 0;
    const own = hasHooks ? this.#host.hooks.delivering(event, this) : event;
    if (own === undefined) return false;
    const pushed = this.#sender.queue(own);
    if (pushed === 'full') this.disconnect('overflow');
    // Events that all receivers share are counted when they are published.
    else if (own !== event || event.replayed) this.#host.backlog.queued(own);
    return pushed === 'kept';
  }

  /** Tells the client with the next connect reply that any events may be missing from here on. */
  missed(): void {
    this.outbox.missed();
    for (const feature of this.features.all) feature.missed?.();
  }

  confirmed(events: readonly OutgoingEvent[]): void {
    for (const feature of this.features.all) feature.confirmed?.(events);
  }

  /** Sends urgent events, if a conduit can take them. */
  flush(): void {
    this.#sender.flush();
  }

  /** Applies `ext.flow` of a connect: how many events may leave until the next connect. */
  setCredit(flow: unknown): void {
    this.#sender.setCredit(flow);
  }

  answerHeld(): void {
    if (this.#held !== undefined && this.#mayCarry(this.#held.conduit, 'connect')) void this.release();
  }

  /** Whether urgent events wait that a reply to a connect on this conduit would carry at once (CN-7). */
  hasUrgentFor(conduit: Conduit): boolean {
    return this.#sender.hasUrgent && this.#mayCarry(conduit, 'connect');
  }

  /** Writes the replies to one batch, with the events that may travel with them, in the order of PR-6. */
  respond(conduit: Conduit, replies: readonly OutgoingReply[], carried: Carried): void {
    if (this.#mayCarry(conduit, carried)) this.#sender.sendWith(replies, conduit, carried === 'handshake');
    else this.#sender.reply(replies, conduit);
    if (this.features.queueing.length > 0) this.#queueMore();
  }

  /**
   * Holds a connect until there is something to send, `hold` milliseconds pass, a newer one comes or the peer
   * hangs up. If a feature refuses, the connect is not held and the refusal is returned. Throws `NoRoomError`
   * when the memory for requests is used up.
   */
  hold(request: ConnectRequest, conduit: Conduit, hold: number, grace: number): HoldRefusal | undefined {
    const { ext, extra, advice } = request;
    const isPlain = ext === undefined && extra === undefined && advice === undefined;
    const memory = isPlain || conduit.trusted === true ? 0 : heldMemory(request);
    const { intake } = this.#host;
    if (memory > 0 && !intake.hasRoomFor(memory, conduit.address)) throw new NoRoomError(intake.full);
    for (const feature of this.features.all) {
      const refusal = feature.holding?.(conduit);
      if (refusal !== undefined) return refusal;
    }
    if (memory > 0) intake.add(memory);
    this.#held = { request: isPlain ? this.#lean(request) : request, memory, conduit, grace };
    conduit.session = this;
    this.#enter('held', hold);
    // While poll answers pause, urgent events wait for the end of the pause.
    if (this.#sender.hasUrgent) this.#sender.schedule();
    // The connect may have confirmed events, and so made room.
    if (this.features.queueing.length > 0) this.#queueMore();
    return undefined;
  }

  /** Answers the held connect, if there is one. Done when the reply is written (DC-2). */
  release(advice?: Advice, grace?: number): MaybePromise<void> {
    const held = this.#unhold();
    if (held === undefined) return;
    this.rest(grace ?? held.grace);
    return andThen(this.#success(held, advice), (reply) => this.respond(held.conduit, [reply], 'connect'));
  }

  /**
   * Sends the client away, to another server (EX-7): a held connect is answered, and the connection closed. A session that lives by
   * its conduit ends. Returns whether the client learns of it now: one that is between two connects does not.
   */
  sendAway(): boolean {
    const push = this.#push;
    if (push !== undefined && this.#livesBy(push)) {
      this.close('shutdown');
      return true;
    }
    const { carrier } = this;
    if (carrier === undefined) return false;
    const timing = this.timing(this.#transport);
    const advice = { ...this.#host.advisor.advise('retry', timing), interval: 0 };
    this.#held?.conduit.sendAway?.();
    void andThen(this.release(advice, timing.maxInterval), () => push?.end('shutdown'));
    return true;
  }

  /** Ends the held connect in favour of a newer one (CN-10, CN-11). */
  giveWay(newer: ConnectRequest, conduit: Conduit): void {
    const held = this.#unhold();
    if (held === undefined) return;
    this.rest(held.grace);
    this.#sender.dropVolatile();
    if (held.conduit.shape === 'exchange') held.conduit.end('replaced');
    else if (held.conduit !== conduit) this.detach(held.conduit);
    else if (held.request.id !== newer.id) this.#fail(held, errors.connectReplaced());
  }

  /** Carries out a publish, unless a feature knows it as a repeat and answers it. */
  publishOnce(
    request: PublishRequest,
    conduit: Conduit,
    carryOut: () => MaybePromise<ReplyFields>,
  ): MaybePromise<ReplyFields> {
    for (const feature of this.features.repeating) {
      const known = feature.repeated?.(request, conduit);
      if (known !== undefined) return known;
    }
    const fields = carryOut();
    for (const feature of this.features.all) feature.published?.(request, conduit, fields);
    return fields;
  }

  /** Notes a publish that a feature stores. Returns its reply, which comes after those of earlier ones. */
  storing<T>(reply: Promise<T>): MaybePromise<T> {
    this.stores ??= new TaskQueue();
    return this.stores.run(() => reply);
  }

  subscribed(pattern: string): void {
    // A listener may have ended the session.
    if (this.state === 'gone') return;
    for (const feature of this.features.all) feature.subscribed?.(pattern);
  }

  unsubscribed(pattern: string): void {
    for (const feature of this.features.all) feature.unsubscribed?.(pattern);
  }

  /** Tells features of a connect. If one returns a promise, the connect waits for it. */
  connecting(request: ConnectRequest, conduit: Conduit, alone: boolean): MaybePromise<void> {
    let looking: Promise<void>[] | undefined;
    for (const feature of this.features.all) {
      const look = feature.connecting?.(request, conduit, alone);
      if (!isPromise(look)) continue;
      looking ??= [];
      looking.push(look);
    }
    return looking && Promise.all(looking).then(() => {});
  }

  /** Lets a newer conduit carry what an older one has not handed over yet (DL-8). */
  overtake(newer: Conduit): void {
    this.#sender.overtake(newer);
  }

  /** A connect was answered: the client has `grace` milliseconds to come back. */
  rest(grace: number): void {
    this.#connected = true;
    this.#grace = grace;
    this.#extraTime = 0;
    this.#extendedFor = 0;
    this.#enter('idle', grace);
  }

  allow(ms: number): void {
    this.#extraTime = Math.max(this.#extraTime, Math.min(ms, MOST_ALLOWED));
    this.#putOff(this.#grace + this.#extraTime);
  }

  reads(): void {
    this.#extendedFor = 0;
  }

  /**
   * A batch that did not leave at once was handed over, or is lost: then there is nothing to read. The time
   * to come back starts now (EX-1).
   */
  progressed(whole: boolean): void {
    this.#extendedFor = 0;
    if (whole) this.#putOff(this.#grace + this.#extraTime);
    else {
      this.#extraTime = 0;
      if (this.#isWaiting) this.#enter(this.state, this.#grace);
    }
  }

  /** The deadline of its state has passed. Called by `Deadlines`. */
  onDue(): void {
    if (this.state === 'held') void this.release();
    else if (this.#isStillRead) this.#extend();
    else this.close('timeout');
  }

  /** Moves the deadline later, never earlier: any message shows that the client is alive (EX-2). */
  touch(carrier: TransportName): void {
    // ES-5: a client that has a stream sends its messages by POST.
    const transport =
      carrier === 'long-polling' && this.#push?.shape === 'stream' ? this.#push.transport : carrier;
    if (transport !== this.#transport) {
      this.#transport = transport;
      this.#maxInterval = this.timing(transport).maxInterval;
    }
    if (this.state === 'new' || this.state === 'idle') this.#host.deadlines.putOff(this, this.#maxInterval);
  }

  /** Attaches a socket or stream, to which events are pushed. A session has at most one, and a conduit one session (WS-8). */
  attach(conduit: Conduit): void {
    // The peer may have gone while a policy or an extension was asked. Nothing would detach the conduit later.
    if (!conduit.alive || this.state === 'gone') {
      if (this.#push === undefined && this.#livesBy(conduit)) this.close('left');
      return;
    }
    if (conduit.session !== this) conduit.session?.cede(conduit);
    this.overtake(conduit);
    const older = this.#push;
    if (older !== undefined && older !== conduit) {
      this.detach(older);
      if (older.shape === 'stream') older.end('replaced');
    }
    this.#setPush(conduit);
    conduit.session = this;
    if (this.#sender.hasUrgent) this.#sender.schedule();
  }

  /** Detaches a socket or stream, and leaves the conduit itself open. */
  detach(conduit: Conduit): void {
    if (this.#push === conduit) this.#setPush(undefined);
    this.#sender.dropVolatile();
    if (this.#held?.conduit === conduit) {
      const held = this.#unhold();
      this.rest(held?.grace ?? 0);
    }
    if (conduit.session === this) conduit.session = undefined;
    if (this.#sender.hasUrgent) this.#sender.schedule();
  }

  /** The peer of the conduit is gone. A session that lives by the conduit ends. */
  lost(conduit: Conduit): void {
    this.#leaveConduit(conduit, 'left');
  }

  /**
   * Detaches the socket, which may be dead, but does not close it: a connect came by HTTP, so the client
   * wants its events there (WS-8).
   */
  leaveSocket(): void {
    if (this.#push?.shape === 'socket') this.detach(this.#push);
  }

  /** Another handshake came by the conduit. The session detaches from it, and ends if it never connected (HS-2). */
  vacate(conduit: Conduit): void {
    if (this.#connected) this.cede(conduit);
    else {
      this.#leaveConduit(conduit, 'replaced');
      this.close('replaced');
    }
  }

  /** Leaves a socket to another session. A connect held there is told to pause: the other may want the socket back (ADV-5). */
  cede(conduit: Conduit): void {
    const held = this.#held?.conduit === conduit ? this.#unhold() : undefined;
    this.#leaveConduit(conduit, 'replaced');
    if (held === undefined) return;
    this.rest(held.grace);
    this.#fail(held, errors.connectReplaced(), 'later');
  }

  isHeldElsewhere(conduit: Conduit): boolean {
    return this.#held !== undefined && this.#held.conduit !== conduit;
  }

  /** Ends the session as its client asked. Also answers a connect that came while the held one was being answered. */
  leave(advice: Advice): void {
    const late = this.#unhold();
    this.close('disconnect');
    if (late !== undefined) void andThen(this.#success(late, advice), (reply) => late.conduit.send([reply]));
  }

  /** Ends the session without telling the client: subscriptions, timers, counts. The caller answers the held connect first. */
  close(reason: CloseReason): void {
    if (this.state === 'gone') return;
    const held = this.#unhold();
    const push = this.#push;
    this.#host.deadlines.cancel(this);
    this.state = 'gone';
    this.#setPush(undefined);
    if (push !== undefined) push.session = undefined;
    this.#sender.clear();
    for (const feature of this.features.all) feature.closed?.(reason);
    this.#host.subscriptions.removeAll(this);
    this.#host.sessions.remove(this);
    if (reason === 'shutdown') {
      held?.conduit.end('shutdown', reason);
      push?.end('shutdown', reason);
    } else if (
      push !== undefined &&
      (reason === 'disconnect' || push.shape === 'stream' || this.#livesBy(push))
    ) {
      push.end('disconnected', reason);
    }
    this.#host.counts.ends[reason] += 1;
    this.#host.events.closed(this, reason);
    this.#host.log({ level: 'debug', event: 'session.closed', session: this.id, reason });
  }

  #livesBy(conduit: Conduit): boolean {
    return this.#host.transports.livesByConduit(conduit.transport);
  }

  // Detaches the conduit, and ends a session that lived by it.
  #leaveConduit(conduit: Conduit, reason: CloseReason): void {
    const endsWithIt = this.#push === conduit && this.#livesBy(conduit);
    this.detach(conduit);
    if (endsWithIt) this.close(reason);
  }

  #success({ request, conduit }: Held, advice?: Advice): MaybePromise<OutgoingReply> {
    const timing = this.timing(conduit.transport);
    const fields = { successful: true, advice: advice ?? this.#host.advisor.advise('retry', timing) };
    return this.#host.replies.finish(request, fields, this, conduit);
  }

  #fail(held: Held, error: BayeuxError, adviceOverride?: AdviceKind): void {
    void andThen(this.#failure(held, error, adviceOverride), (reply) => held.conduit.send([reply]));
  }

  #failure(held: Held, error: BayeuxError, adviceOverride?: AdviceKind): MaybePromise<OutgoingReply> {
    const fields = this.#host.replies.failed(held.request, error, this, held.conduit, adviceOverride);
    return this.#host.replies.finish(held.request, fields, this, held.conduit);
  }

  // Whether the session ends unless its client comes.
  get #isWaiting(): boolean {
    return this.state === 'new' || this.state === 'idle';
  }

  #putOff(ms: number): void {
    if (this.#isWaiting) this.#host.deadlines.putOff(this, ms);
  }

  #enter(state: SessionState, ms: number): void {
    this.state = state;
    this.#host.deadlines.set(this, ms);
  }

  #setPush(conduit: Conduit | undefined): void {
    this.#push = conduit;
    this.isPushed = conduit !== undefined && !this.isDeliverOnly(conduit.transport);
    this.#sender.way = this.isPushed ? conduit : undefined;
  }

  #queueMore(): void {
    for (const feature of this.features.queueing) feature.queueMore?.();
  }

  // EX-1: a client that reads cannot connect. A response without progress for as long as a connect is held counts as lost.
  get #isStillRead(): boolean {
    return (
      this.#sender.isUnsettled && this.#extendedFor < Math.max(this.timing(this.#transport).timeout, READING)
    );
  }

  #extend(): void {
    const step = Math.max(this.#grace, 1);
    this.#extendedFor += step;
    this.#enter(this.state, step);
  }

  // The request as it came has strings and a list of fields of its own: together more memory than the object.
  #lean(request: ConnectRequest): ConnectRequest {
    const { id, connectionType } = request;
    if (id === undefined || connectionType === undefined) return request;
    return { kind: 'connect', channel: '/meta/connect', id, clientId: this.#clientId, connectionType };
  }

  #unhold(): Held | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    this.#held = undefined;
    if (held.memory > 0) this.#host.intake.add(-held.memory);
    // By now the conduit may serve another session.
    if (held.conduit !== this.#push && held.conduit.session === this) held.conduit.session = undefined;
    for (const feature of this.features.all) feature.released?.();
    return held;
  }

  // DL-3: which response carries queued events.
  #mayCarry(conduit: Conduit, carried: Carried): boolean {
    if (this.state === 'gone' || this.#sender.outbox.size === 0) return false;
    if (!this.#sender.canUse(conduit)) return false;
    if (carried === 'handshake') return this.#host.options.handshakeDelivery;
    if (conduit.shape === 'socket') return this.#push === conduit && (this.isPushed || carried === 'connect');
    if (this.isPushed) return false;
    return carried === 'connect' || !this.isDeliverOnly(conduit.transport);
  }
}

// Extensions see the request again when it is answered, so all of it stays in memory. The other fields are short.
function heldMemory({ ext, extra, advice }: ConnectRequest): number {
  const memory = memoryOf(ext) + memoryOf(extra) + memoryOf(advice);
  return memory > LIGHT ? memory : 0;
}
