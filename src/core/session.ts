import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { andThen, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import { memoryOf } from '../lib/memory.ts';
import { TaskQueue } from '../lib/task-queue.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Stamped } from '../channels/channel-index.ts';
import type { CloseReason, Conduit, ConduitOwner, TransportName } from '../ports/conduit.ts';
import type { HoldRefusal, ServedSession, SessionFeature } from '../ports/feature.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { DisconnectReason, Extension, SessionState, StartOverReason } from '../ports/session.ts';
import type { Timing } from '../ports/transport.ts';
import { type ChannelGrammar, kindOf } from '../protocol/channel.ts';
import { type BayeuxError, errors, NoRoomError } from '../protocol/errors.ts';
import type { Advice, ConnectRequest, JsonObject, PublishRequest, ReplyFields } from '../protocol/message.ts';
import type { OutgoingReply } from '../protocol/outgoing.ts';
import { type Delivery, OutgoingEvent } from '../ports/outgoing-event.ts';
import type { Seat } from './admission.ts';
import type { AdviceKind, Advisor } from './advice.ts';
import { noChannel } from './arguments.ts';
import { Deadline } from './deadline.ts';
import type { Backlog } from './delivery/backlog.ts';
import { Sender, type SenderHost, type SenderOwner } from './delivery/sender.ts';
import type { Events } from './events.ts';
import { checkExtension, type HookedSession, HookLists, type Hooks } from './hooks.ts';
import type { DeliveryRules } from './delivery/rules.ts';
import type { Intake } from './intake.ts';
import type { Replies } from './replies.ts';
import type { Transports } from './transports.ts';

/** What a session needs of the server. */
export interface SessionHost extends SenderHost {
  readonly options: { readonly handshakeDelivery: boolean; readonly maxLazyTimeout: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly grammar: ChannelGrammar;
  readonly transports: Transports;
  readonly advisor: Advisor;
  readonly replies: Replies;
  readonly hooks: Hooks;
  readonly rules: DeliveryRules;
  readonly backlog: Backlog;
  readonly intake: Intake;
  readonly events: Events;
  readonly sessions: { remove(session: Session): void };
  readonly subscriptions: { removeAll(session: Session): void };
}

/** What a session is made of. */
export interface SessionInit {
  readonly id: string;
  readonly clientId: string;
  readonly user?: string;
  readonly transport: TransportName;
  /** The browser it handshook from (CK-1). */
  readonly browser?: string;
  /** Where it is counted. */
  readonly seat: Seat;
  /** Times that stand above those of the transport. */
  readonly timing?: Partial<Timing>;
}

/** What a response answers: decides which events may ride along, and where they stand. */
export type Carried = 'handshake' | 'connect' | 'other';

const noFeatures: readonly SessionFeature[] = [];

/** How long a client may at least take to read what was sent to it. Milliseconds. */
const READING = 10_000;

/** How much longer a client with much to read has to come back, at most. Milliseconds. */
const MOST_ALLOWED = 60_000;

/** What a held connect may bring without being counted: every session has room for that. Bytes. */
const LIGHT = 1024;

interface Held {
  readonly request: ConnectRequest;
  /** What that takes in memory, if it is much. Bytes. */
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
 * Events leave by one of two ways: pushed, when a socket or stream is attached and the session is not deliverOnly; otherwise
 * with a response. The connect is held here for every transport.
 */
export class Session implements ServedSession, HookedSession, SenderOwner, ConduitOwner, Stamped {
  // What each event looks at comes first, so that it lies together in memory: a tenth of W3.
  state: SessionState;
  readonly #host: SessionHost;
  readonly #sender: Sender;
  #push: Conduit | undefined;
  /** Whether events leave by a socket or stream as they come, and not with connect replies. Written by `#choosePush` alone. */
  isPushed: boolean;
  /** The extensions of the server, and its own. Written by `extend` alone. */
  hookLists: HookLists;
  #goesOn = false;
  #deliverOnly: boolean | 'polling' = false;

  /** The parts it has in the features of the server. Written by `join` alone. */
  features: readonly SessionFeature[];
  /** Whether a feature knows the reply to a publish that comes again. */
  recognisesRepeats: boolean;

  readonly id: string;
  readonly user: string | undefined;
  readonly seat: Seat;
  readonly attributes: Record<string, unknown> = {};
  readonly subscriptions = new Set<string>();
  /** What they take in memory, were it alone with them. Bytes. */
  subscriptionBytes = 0;
  /** In which order its requests are handled (PR-12). */
  readonly tasks = new TaskQueue();
  /** Memory of its messages that wait, or are at work; kept by `Batch`. Bytes. */
  waitingBytes = 0;
  broadcastToPublisher: boolean | undefined;
  /** The channel index's mark. */
  stamp = 0;

  // Private, so that nothing that prints or stores a session has them.
  readonly #clientId: string;
  readonly #browser: string | undefined;
  readonly #timing: Partial<Timing> | undefined;
  readonly #deadline: Deadline;
  #transport: TransportName;
  // Of that transport. Milliseconds.
  #maxInterval: number;
  #connected = false;
  #wasTold = false;
  // How long the client may be silent now, how much longer since it has much to read, and for how long what is being read put the
  // end off. Milliseconds.
  #grace = 0;
  #allowed = 0;
  #readTo = 0;
  #held: Held | undefined;

  constructor(init: SessionInit, host: SessionHost) {
    this.id = init.id;
    this.#clientId = init.clientId;
    this.user = init.user;
    this.#browser = init.browser;
    this.seat = init.seat;
    this.#transport = init.transport;
    this.#timing = init.timing;
    this.#host = host;
    this.state = 'new';
    this.isPushed = false;
    this.features = noFeatures;
    this.recognisesRepeats = false;
    this.hookLists = host.hooks.lists;
    this.#sender = new Sender(this, host);
    this.#deadline = new Deadline(host.clock, () => this.#onDeadline());
    const { interval, maxInterval } = this.timing(init.transport);
    this.#maxInterval = maxInterval;
    this.#grace = interval + maxInterval;
    this.#enter('new', this.#grace);
  }

  /** What is printed of a session, and stored where somebody stringifies one: nothing secret. */
  toJSON(): object {
    const { id, user, transport, state } = this;
    return { id, ...(user !== undefined && { user }), transport, state };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  /** The client's bearer secret. */
  get clientId(): string {
    return this.#clientId;
  }

  /** The cookie of the browser it handshook from, if it has one. */
  get browser(): string | undefined {
    return this.#browser;
  }

  /** Gives it its parts in the features of the server: once, when it is opened. */
  join(features: readonly SessionFeature[]): void {
    this.features = features;
    this.recognisesRepeats = features.some(({ repeated }) => repeated !== undefined);
    this.#sender.signs = features.some(({ signing }) => signing !== undefined);
    this.#goesOn = features.some(({ mayGoOn }) => mayGoOn !== undefined);
  }

  get deliverOnly(): boolean | 'polling' {
    return this.#deliverOnly;
  }

  set deliverOnly(only: boolean | 'polling') {
    this.#deliverOnly = only;
    this.#choosePush(this.#push);
  }

  get outbox(): Outbox {
    return this.#sender.outbox;
  }

  set outbox(outbox: Outbox) {
    this.#sender.outbox = outbox;
  }

  /** Whether a connect of it was ever answered. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Whether it is there as long as its conduit is, and has no connects. */
  get livesByConduit(): boolean {
    return this.#host.transports.livesByConduit(this.#transport);
  }

  /** Whether its client is told to stop, rather than to come again. */
  get wasTold(): boolean {
    return this.#wasTold;
  }

  /** The transport it was last heard on. */
  get transport(): TransportName {
    return this.#transport;
  }

  /** The socket or stream its events are pushed to, if any. */
  get push(): Conduit | undefined {
    return this.#push;
  }

  /** What serves it now: that socket or stream, or the request of a held connect. */
  get carrier(): Conduit | undefined {
    return this.#push ?? this.#held?.conduit;
  }

  deliver(channel: string, data: unknown, how: Delivery & { readonly ext?: JsonObject } = {}): void {
    if (typeof channel !== 'string')
      throw noChannel(channel, "write session.deliver('/private/offer', { price: 5 })");
    if (kindOf(channel) === 'meta' || !this.#host.grammar.isName(channel)) {
      throw new UsageError(`"${channel}" is no broadcast or service channel`);
    }
    const said = this.#host.hooks.saying({ data, ...(how.ext !== undefined && { ext: how.ext }) });
    const { overflow } = this.#host.rules.of(channel);
    const handling = overflow === undefined ? how : { ...how, overflow };
    const event = new OutgoingEvent({ channel, ...said }, handling);
    this.queue(event);
    this.#host.backlog.queued(event);
  }

  disconnect(reason: DisconnectReason = 'disconnected'): void {
    if (this.state === 'gone') return;
    this.#wasTold = true;
    const held = this.#unhold();
    const push = this.#push;
    // Closing would end a stream before it carried the notice.
    if (push !== undefined) this.detach(push);
    this.close(reason);
    void andThen(this.#host.replies.notice(this), (notice) => {
      if (held === undefined) {
        push?.send([notice]);
        push?.end('disconnected', reason);
        return;
      }
      void andThen(this.#failure(held, errors.sessionDisconnected()), (reply) => {
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

  extend(extension: Extension): void {
    checkExtension(extension);
    this.hookLists = new HookLists([...this.hookLists.extensions, extension]);
  }

  /** The times it lives by on a transport: its own, else the transport's, else the server's. */
  timing(transport: TransportName): Timing {
    const timing = this.#host.transports.timing(transport);
    if (this.#timing === undefined || this.#host.transports.livesByConduit(transport)) return timing;
    return { ...timing, ...this.#timing };
  }

  /** Whether events for it travel on this transport with connect replies only (CN-14). */
  isDeliverOnly(transport: TransportName): boolean {
    const own = this.deliverOnly === 'polling' ? transport.endsWith('polling') : this.deliverOnly;
    return own || this.#host.transports.deliverOnly(transport);
  }

  /** Queues an event, to leave at the end of this turn or with the next response. */
  queue(event: OutgoingEvent): void {
    for (const feature of this.features) if (feature.takes?.(event)) return;
    this.enqueue(event);
  }

  enqueue(event: OutgoingEvent): void {
    if (this.state === 'gone') return;
    const hasHooks = this.hookLists.delivering.length > 0;
    const own = hasHooks ? this.#host.hooks.delivering(event, this) : event;
    if (own === undefined) return;
    if (this.#sender.queue(own) === 'full') this.disconnect('overflow');
    // What all get alike is counted where it is published.
    else if (own !== event || event.replayed) this.#host.backlog.queued(own);
  }

  /** Sends urgent events, if there is a way. */
  flush(): void {
    this.#sender.flush();
  }

  /** A connect came, with this in `ext.flow`: how many events may leave until the next one. */
  setCredit(flow: unknown): void {
    this.#sender.setCredit(flow);
  }

  /** Answers the held connect, if there is one whose response may carry what waits. */
  answerHeld(): void {
    if (this.#held !== undefined && this.#mayCarry(this.#held.conduit, 'connect')) void this.release();
  }

  /** Whether a connect on this conduit would be answered with it at once (CN-7). */
  hasUrgentFor(conduit: Conduit): boolean {
    return this.#sender.hasUrgent && this.#mayCarry(conduit, 'connect');
  }

  /** Writes the replies of one exchange, with the events that may ride along, in the order of PR-6. */
  respond(conduit: Conduit, replies: readonly OutgoingReply[], carried: Carried): void {
    if (this.#mayCarry(conduit, carried)) this.#sender.sendWith(replies, conduit, carried === 'handshake');
    else this.#sender.reply(replies, conduit);
    if (this.#goesOn) this.#mayGoOn();
  }

  /**
   * Holds a connect until there is something to say, `hold` milliseconds pass, a newer one comes or the peer hangs up. A feature may
   * refuse that: then nothing is held. Throws `NoRoomError` where the memory that requests may take has no room for this one.
   */
  hold(request: ConnectRequest, conduit: Conduit, hold: number, grace: number): HoldRefusal | undefined {
    const { ext, extra, advice } = request;
    const isPlain = ext === undefined && extra === undefined && advice === undefined;
    const memory = isPlain || conduit.trusted === true ? 0 : heldMemory(request);
    const { intake } = this.#host;
    if (memory > 0 && !intake.hasRoomFor(memory, conduit.address)) throw new NoRoomError(intake.full);
    for (const feature of this.features) {
      const refusal = feature.holding?.(conduit);
      if (refusal !== undefined) return refusal;
    }
    if (memory > 0) intake.add(memory);
    this.#held = { request, memory, conduit, grace };
    conduit.session = this;
    this.#enter('held', hold);
    // Where polls are paused, what is due waits for the end of that.
    if (this.#sender.hasUrgent) this.#sender.schedule();
    // What it said it has received may have made room.
    if (this.#goesOn) this.#mayGoOn();
    return undefined;
  }

  /** Answers the held connect, if there is one. Done when the reply is written (DC-2). */
  release(advice?: Advice, grace?: number): MaybePromise<void> {
    const held = this.#unhold();
    if (held === undefined) return;
    this.rest(grace ?? held.grace);
    return andThen(this.#success(held, advice), (reply) => this.respond(held.conduit, [reply], 'connect'));
  }

  /** Answers the held connect, if there is one, and asks for the next one in so many milliseconds (EX-7). */
  sendAway(interval: number): void {
    const timing = this.timing(this.#transport);
    void this.release(
      { ...this.#host.advisor.advise('retry', timing), interval },
      interval + timing.maxInterval,
    );
  }

  /** Makes the held connect give way to a newer one (CN-10, CN-11). */
  giveWay(newer: ConnectRequest, conduit: Conduit): void {
    const held = this.#unhold();
    if (held === undefined) return;
    this.rest(held.grace);
    if (held.conduit.shape === 'exchange') held.conduit.end('replaced');
    else if (held.conduit !== conduit) this.detach(held.conduit);
    else if (held.request.id !== newer.id) this.#fail(held, errors.connectReplaced());
  }

  /** Carries out a publish, unless a feature knows its reply. */
  publishOnce(
    request: PublishRequest,
    conduit: Conduit,
    carryOut: () => MaybePromise<ReplyFields>,
  ): MaybePromise<ReplyFields> {
    for (const feature of this.features) {
      const known = feature.repeated?.(request, conduit);
      if (known !== undefined) return known;
    }
    return andThen(carryOut(), (fields) => {
      for (const feature of this.features) feature.published?.(request, conduit, fields);
      return fields;
    });
  }

  /** A subscription was dropped. */
  unsubscribed(pattern: string): void {
    for (const feature of this.features) feature.unsubscribed?.(pattern);
  }

  /** A connect came; it waits for a promise. */
  connecting(request: ConnectRequest, conduit: Conduit, alone: boolean): MaybePromise<void> {
    let looking: Promise<void>[] | undefined;
    for (const feature of this.features) {
      const look = feature.connecting?.(request, conduit, alone);
      if (!isPromise(look)) continue;
      looking ??= [];
      looking.push(look);
    }
    return looking && Promise.all(looking).then(() => {});
  }

  /** Has what an older way could not hand over yet leave by this newer one (DL-8). */
  overtake(newer: Conduit): void {
    this.#sender.overtake(newer);
  }

  /** A connect of it was answered: it has so long to come back. Milliseconds. */
  rest(grace: number): void {
    this.#connected = true;
    this.#grace = grace;
    this.#allowed = 0;
    this.#readTo = 0;
    this.#enter('idle', grace);
  }

  /** Its client needs so much longer to come, since it has much to read (EX-1). Milliseconds. */
  allow(ms: number): void {
    this.#allowed = Math.max(this.#allowed, Math.min(ms, MOST_ALLOWED));
    this.#putOff(this.#grace + this.#allowed);
  }

  /** Its client reads what was sent, and is not through yet: until then it cannot come (EX-1). */
  reads(): void {
    this.#readTo = 0;
  }

  /**
   * Something that had not left at once was handed over, or is known to be lost: from now on its client has time to come (EX-1).
   * Nobody reads any more what was lost.
   */
  progressed(whole: boolean): void {
    this.#readTo = 0;
    if (whole) this.#putOff(this.#grace + this.#allowed);
    else {
      this.#allowed = 0;
      if (this.#isWaiting) this.#enter(this.state, this.#grace);
    }
  }

  /** Puts the end off: any message is a sign of life, though it never brings the end nearer (EX-2). */
  touch(carrier: TransportName): void {
    // ES-5: who listens to a stream speaks by POST.
    const transport =
      carrier === 'long-polling' && this.#push?.shape === 'stream' ? this.#push.transport : carrier;
    if (transport !== this.#transport) {
      this.#transport = transport;
      this.#maxInterval = this.timing(transport).maxInterval;
    }
    if (this.#isWaiting) this.#deadline.putOff(this.#maxInterval);
  }

  /** Makes a socket or stream the way events are pushed: one for a session, one session for each (WS-8). */
  attach(conduit: Conduit): void {
    // The peer may have gone while a policy or an extension thought: nothing would ever take it away again.
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
    this.#choosePush(conduit);
    conduit.session = this;
    if (this.#sender.hasUrgent) this.#sender.schedule();
  }

  /** Takes a socket's or stream's part in the session away, and leaves the conduit itself alone. */
  detach(conduit: Conduit): void {
    if (this.#push === conduit) this.#choosePush(undefined);
    if (this.#held?.conduit === conduit) {
      const held = this.#unhold();
      this.rest(held?.grace ?? 0);
    }
    if (conduit.session === this) conduit.session = undefined;
    if (this.#sender.hasUrgent) this.#sender.schedule();
  }

  /** The peer of the conduit is gone. A session that lives by the conduit ends. */
  lost(conduit: Conduit): void {
    this.#letGo(conduit, 'left');
  }

  /**
   * A connect came by HTTP: its client wants the events there, so they are no longer pushed to a socket (WS-8). The socket may be dead,
   * which shows only when pings are not answered. It stays open.
   */
  leaveSocket(): void {
    if (this.#push?.shape === 'socket') this.detach(this.#push);
  }

  /** Another handshake came by its conduit: what it still has to say no longer goes there; one that never connected is over (HS-2). */
  vacate(conduit: Conduit): void {
    if (this.#connected) this.cede(conduit);
    else {
      this.#letGo(conduit, 'replaced');
      this.close('replaced');
    }
  }

  /** Leaves a socket to another session. A connect that is held there is answered, with a pause: the other may want it back (ADV-5). */
  cede(conduit: Conduit): void {
    const held = this.#held?.conduit === conduit ? this.#unhold() : undefined;
    this.#letGo(conduit, 'replaced');
    if (held === undefined) return;
    this.rest(held.grace);
    this.#fail(held, errors.connectReplaced(), 'later');
  }

  /** Whether a connect is held anywhere but on this conduit. */
  isHeldElsewhere(conduit: Conduit): boolean {
    return this.#held !== undefined && this.#held.conduit !== conduit;
  }

  /** Ends the session as its client asked, and answers a connect that came while the one before was being answered. */
  leave(advice: Advice): void {
    const late = this.#unhold();
    this.close('disconnect');
    if (late !== undefined) void andThen(this.#success(late, advice), (reply) => late.conduit.send([reply]));
  }

  /** Ends the session without a word: subscriptions, timers, counts. The held connect must have been seen to. */
  close(reason: CloseReason): void {
    if (this.state === 'gone') return;
    const held = this.#unhold();
    const push = this.#push;
    this.#deadline.cancel();
    this.state = 'gone';
    this.#choosePush(undefined);
    if (push !== undefined) push.session = undefined;
    this.#sender.clear();
    for (const feature of this.features) feature.closed?.();
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
    this.#host.events.emit('session.closed', { session: this, reason });
    this.#host.log({ level: 'debug', event: 'session.closed', session: this.id, reason });
  }

  #livesBy(conduit: Conduit): boolean {
    return this.#host.transports.livesByConduit(conduit.transport);
  }

  // Detaches the conduit, and ends a session that lived by it.
  #letGo(conduit: Conduit, reason: CloseReason): void {
    const lives = this.#push === conduit && this.#livesBy(conduit);
    this.detach(conduit);
    if (lives) this.close(reason);
  }

  #success({ request, conduit }: Held, advice?: Advice): MaybePromise<OutgoingReply> {
    const timing = this.timing(conduit.transport);
    const fields = { successful: true, advice: advice ?? this.#host.advisor.advise('retry', timing) };
    return this.#host.replies.finish(request, fields, this, conduit);
  }

  #fail(held: Held, error: BayeuxError, told?: AdviceKind): void {
    void andThen(this.#failure(held, error, told), (reply) => held.conduit.send([reply]));
  }

  #failure(held: Held, error: BayeuxError, told?: AdviceKind): MaybePromise<OutgoingReply> {
    const fields = this.#host.replies.failed(held.request, error, this, held.conduit, told);
    return this.#host.replies.finish(held.request, fields, this, held.conduit);
  }

  // Whether it ends unless its client comes.
  get #isWaiting(): boolean {
    return this.state === 'new' || this.state === 'idle';
  }

  #putOff(ms: number): void {
    if (this.#isWaiting) this.#deadline.putOff(ms);
  }

  #enter(state: SessionState, ms: number): void {
    this.state = state;
    this.#deadline.set(ms);
  }

  #onDeadline(): void {
    if (this.state === 'held') void this.release();
    else if (this.#isRead) this.#readOn();
    else this.close('timeout');
  }

  #choosePush(conduit: Conduit | undefined): void {
    this.#push = conduit;
    this.isPushed = conduit !== undefined && !this.isDeliverOnly(conduit.transport);
    this.#sender.way = this.isPushed ? conduit : undefined;
  }

  #mayGoOn(): void {
    for (const feature of this.features) feature.mayGoOn?.();
  }

  // EX-1: whoever still reads an answer cannot come. What makes no progress for as long as a connect is held counts as lost.
  get #isRead(): boolean {
    return this.#sender.isUnsettled && this.#readTo < Math.max(this.timing(this.#transport).timeout, READING);
  }

  #readOn(): void {
    const step = Math.max(this.#grace, 1);
    this.#readTo += step;
    this.#enter(this.state, step);
  }

  #unhold(): Held | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    this.#held = undefined;
    if (held.memory > 0) this.#host.intake.add(-held.memory);
    // By now it may be another's.
    if (held.conduit !== this.#push && held.conduit.session === this) held.conduit.session = undefined;
    for (const feature of this.features) feature.released?.();
    return held;
  }

  // DL-3, the table of which response carries what is queued.
  #mayCarry(conduit: Conduit, carried: Carried): boolean {
    if (this.state === 'gone' || this.#sender.outbox.size === 0) return false;
    if (!this.#sender.canUse(conduit)) return false;
    if (carried === 'handshake') return this.#host.options.handshakeDelivery;
    if (conduit.shape === 'socket') return this.#push === conduit && (this.isPushed || carried === 'connect');
    if (this.isPushed) return false;
    return carried === 'connect' || !this.isDeliverOnly(conduit.transport);
  }
}

// Extensions see the request again when it is answered, so all of it is kept. The other fields are short.
function heldMemory({ ext, extra, advice }: ConnectRequest): number {
  const memory = memoryOf(ext) + memoryOf(extra) + memoryOf(advice);
  return memory > LIGHT ? memory : 0;
}
