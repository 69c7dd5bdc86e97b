import { andThen, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import { memoryOf } from '../lib/memory.ts';
import { TaskQueue } from '../lib/task-queue.ts';
import { overLimit } from '../protocol/over-limit.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Arrival, Extension, Work } from '../ports/session.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import { kindOf } from '../protocol/channel.ts';
import { BayeuxError, errors, NoRoomError } from '../protocol/errors.ts';
import type {
  ConnectRequest,
  HandshakeRequest,
  ReadableRequest,
  ReplyFields,
  Request,
} from '../protocol/message.ts';
import { OutgoingReply } from '../protocol/outgoing.ts';
import type { Context, Core } from './context.ts';
import { noteRefused } from './refused-message.ts';
import { connect } from './requests/connect.ts';
import { disconnect } from './requests/disconnect.ts';
import { handshake } from './requests/handshake.ts';
import { publish } from './requests/publish.ts';
import { subscribe, unsubscribe } from './requests/subscribe.ts';
import type { Session } from './session.ts';

/** Messages of one session that may wait for earlier ones (PR-12). */
const MAX_WAITING = 100;

/**
 * The messages of one HTTP request or frame, handled in order (PR-1) and answered together. Requests and
 * errors become replies only here.
 */
export class Batch implements Context {
  readonly conduit: Conduit;
  readonly core: Core;
  /** Whether the batch has one message only. */
  readonly alone: boolean;
  readonly #requests: readonly Request[];
  // HS-3: the handshake of a batch that has other messages too. The other messages fail.
  readonly #handshake: Request | undefined;
  readonly #replies: OutgoingReply[];
  // Replies to messages that were handed over, by their place among all replies, and whose they are.
  #late: Map<number, Late> | undefined;
  #lateFor: Session | undefined;
  // Of the message that is being handled: who has it, and the call that lets the next one begin.
  #handedTo: 'engine' | 'store' | undefined;
  #goOn: (() => void) | undefined;
  // Ends the place of the batch in the queues of its sessions, if it has one.
  #leaveLine: (() => void) | undefined;
  #opened: Session | undefined;
  #connecting: Session | undefined;
  #first: Session | undefined;
  #afterwards: (() => void)[] | undefined;
  #weight: number | undefined;

  constructor(requests: readonly Request[], conduit: Conduit, core: Core) {
    this.conduit = conduit;
    this.core = core;
    this.alone = requests.length === 1 && conduit.isPart !== true;
    this.#requests = requests;
    this.#handshake = this.alone ? undefined : requests.find(isHandshake);
    this.#replies = [];
  }

  handedOver(to: 'engine' | 'store'): void {
    this.#handedTo = to;
    this.#goOn?.();
  }

  afterwards(call: () => void): void {
    this.#afterwards ??= [];
    this.#afterwards.push(call);
  }

  /**
   * Handles the messages and writes the response. A held connect is answered later, by its session. `texts`: the JSON of the batch.
   * Never throws or rejects.
   */
  handle(texts?: string | readonly string[]): MaybePromise<void> {
    // No need to compute memory while no other request uses any.
    const crowded = this.core.intake.used > 0 ? this.#crowded() : undefined;
    if (crowded !== undefined) {
      this.conduit.end('capacity', undefined, crowded);
      return;
    }
    try {
      const wait = this.core.features.pacing.length > 0 ? this.#pace(texts) : undefined;
      const done = wait === undefined ? this.#handleFrom(0) : wait.then(() => this.#handleFrom(0));
      return isPromise(done)
        ? this.#countWhileWaiting(done.catch((error: unknown) => this.#giveUp(error)))
        : done;
    } catch (error) {
      this.#giveUp(error);
    }
  }

  // A batch that does not have to wait makes no promise.
  #handleFrom(first: number): MaybePromise<void> {
    for (let at = first; at < this.#requests.length; at += 1) {
      const request = this.#requests[at];
      if (request === undefined) break;
      if (this.#late !== undefined && this.#waitsForLate(request)) {
        const late = this.#late;
        return andThen(this.#lineUp(), () => this.#awaitLate(late, at));
      }
      const reply = this.#replyTo(request);
      if (isPromise(reply)) {
        return reply.then((made) => {
          if (made !== undefined) this.#add(made);
          return this.#handleFrom(at + 1);
        });
      }
      // A held connect has no reply yet.
      if (reply instanceof OutgoingReply) this.#replies.push(reply);
      else if (reply !== undefined) this.#add(reply);
    }
    this.#leaveLine?.();
    if (this.#late !== undefined) return this.#awaitLate(this.#late, this.#requests.length);
    if (this.#replies.length > 0) this.#respond();
    if (this.#afterwards !== undefined) this.#close();
  }

  // PR-1: what was published earlier in the batch is delivered by the subscriptions of then, and before what another session publishes.
  #waitsForLate(request: Request): boolean {
    if (request.kind === 'subscribe' || request.kind === 'unsubscribe') return true;
    return this.core.sessions.named(request) !== this.#lateFor;
  }

  #add(reply: OutgoingReply | Late): void {
    if (reply instanceof OutgoingReply) {
      this.#replies.push(reply);
      return;
    }
    this.#late ??= new Map();
    this.#late.set(this.#replies.length + this.#late.size, reply);
  }

  async #awaitLate(late: ReadonlyMap<number, Late>, next: number): Promise<void> {
    for (const [place, { made }] of late) {
      const reply = await made;
      if (reply !== undefined) this.#replies.splice(place, 0, reply);
    }
    this.#late = undefined;
    return this.#handleFrom(next);
  }

  // A batch counts for the session that it names first.
  #pace(texts: string | readonly string[] = []): Promise<void> | undefined {
    const { features, sessions } = this.core;
    if (this.conduit.trusted === true) return undefined;
    let session: Session | undefined;
    let onlyConnects = true;
    for (const request of this.#requests) {
      session ??= sessions.named(request);
      onlyConnects &&= request.kind === 'connect';
    }
    return session && features.pace(bytesOf(texts), session, onlyConnects);
  }

  // Batches answered at once, and those of the application itself, are not counted.
  #countWhileWaiting(done: Promise<void>): Promise<void> {
    if (this.conduit.trusted === true) return done;
    const { intake } = this.core;
    const memory = this.#memory;
    const session = this.#firstSession();
    intake.add(memory);
    if (session !== undefined) session.waitingBytes += memory;
    return done.then(() => {
      intake.add(-memory);
      if (session !== undefined) session.waitingBytes -= memory;
    });
  }

  // Computed on first use.
  get #memory(): number {
    this.#weight ??= memoryOf(this.#requests);
    return this.#weight;
  }

  // An HTTP request is turned away, or a socket closed, before any of it takes effect. In words, why.
  #crowded(): string | undefined {
    const { intake } = this.core;
    if (this.conduit.trusted === true) return undefined;
    const memory = this.#memory;
    return intake.hasRoomFor(memory, this.conduit.address) ? this.#fullQueue(memory) : intake.full;
  }

  // For HTTP alone: a socket is not read in this case.
  #fullQueue(memory: number): string | undefined {
    const session = this.conduit.shape === 'exchange' ? this.#firstSession() : undefined;
    if (session === undefined || session.waitingBytes === 0) return undefined;
    const { maxWaitingBytes } = this.core.options;
    const isLong = (session.tasks?.length ?? 0) >= MAX_WAITING;
    if (!isLong && session.waitingBytes + memory <= maxWaitingBytes) return undefined;
    const full = isLong ? { limit: MAX_WAITING } : { option: 'maxWaitingBytes', limit: maxWaitingBytes };
    const why = isLong
      ? `${MAX_WAITING} messages of the session wait already; send the next when they are answered`
      : overLimit('maxWaitingBytes', maxWaitingBytes);
    this.core.refusals.note('request.refused', { ...full, why, session: session.id });
    return why;
  }

  /** The session in whose queue the batch waits first. A connect waits in no queue. */
  #firstSession(): Session | undefined {
    for (const request of this.#requests) {
      const session = request.kind === 'connect' ? undefined : this.core.sessions.named(request);
      if (session !== undefined) return session;
    }
    return undefined;
  }

  /** The reply; undefined if the request is a connect that is now held. It is late if only an answer is missing. */
  #replyTo(request: Request): MaybePromise<OutgoingReply | Late | undefined> {
    if (this.#handshake !== undefined && request !== this.#handshake)
      return this.#fail(request, errors.handshakeNotAlone(), undefined);
    if (request.kind === 'invalid') {
      const error = request.fault === 'channel_missing' ? errors.channelMissing() : errors.messageIdInvalid();
      return this.#fail(request, error, undefined);
    }
    if (request.kind === 'publish' && !this.core.grammar.isName(request.channel))
      return this.#fail(request, errors.channelInvalid([request.channel]), undefined);
    const { sessions } = this.core;
    const session = this.#isOfFirst(request) ? this.#first : sessions.named(request);
    if (session === undefined || !sessions.trusts(this.conduit, session))
      return this.#attempt(request, undefined);
    this.#first ??= session;
    if (request.kind === 'connect') {
      this.#connecting ??= session;
      return this.#attempt(request, session);
    }
    if (session.tasks !== undefined && session.tasks.length > 0 && this.#leaveLine === undefined)
      return andThen(this.#lineUp(), () => this.#attempt(request, session));
    const reply = this.#attempt(request, session);
    if (!isPromise(reply)) return reply;
    const earlier = this.#lineUp();
    return earlier === undefined ? reply : Promise.all([reply, earlier]).then(([made]) => made);
  }

  /**
   * Takes one place in the queue of each session that the batch names, up to its last message, so that no later request comes between
   * two of them. Settles when all earlier requests of these sessions are handed over; undefined if there is none to wait for.
   */
  #lineUp(): Promise<unknown> | undefined {
    if (this.#leaveLine !== undefined) return undefined;
    const left = new Promise<void>((resolve) => {
      this.#leaveLine = resolve;
    });
    let earlier: Promise<unknown> | undefined;
    for (const session of this.#queuedSessions()) {
      session.tasks ??= new TaskQueue();
      const { tasks } = session;
      earlier = earlier === undefined ? tasks.last : Promise.all([earlier, tasks.last]);
      void tasks.await(left);
    }
    return earlier;
  }

  /** The sessions in whose queues the batch waits. A connect waits in no queue. */
  #queuedSessions(): ReadonlySet<Session> {
    const { sessions } = this.core;
    const named = new Set<Session>();
    for (const request of this.#requests) {
      const session = request.kind === 'connect' ? undefined : sessions.named(request);
      if (session !== undefined && sessions.trusts(this.conduit, session)) named.add(session);
    }
    return named;
  }

  // Most batches name one session, and comparing its secret is faster than looking it up.
  #isOfFirst({ clientId }: ReadableRequest): boolean {
    return this.#first !== undefined && this.#first.state !== 'gone' && this.#first.clientId === clientId;
  }

  #attempt(
    request: ReadableRequest,
    session: Session | undefined,
  ): MaybePromise<OutgoingReply | Late | undefined> {
    const { hooks } = this.core;
    this.#handedTo = undefined;
    this.#goOn = undefined;
    try {
      const lists = session?.hookLists ?? hooks.lists;
      const around = lists.around[request.kind];
      const incoming = (request.ext === undefined ? lists.incomingPlain : lists.incoming)[request.kind];
      const reply =
        around.length === 0 && incoming.length === 0
          ? this.#answer(request, session)
          : this.#pass(request, session, around, incoming);
      return isPromise(reply)
        ? this.#untilHandedOver(
            reply.catch((error: unknown) => this.#fail(request, error, session)),
            session,
          )
        : reply;
    } catch (error) {
      return this.#fail(request, error, session);
    }
  }

  /** Answers the request inside some extensions, after others have seen it. */
  #pass(
    request: ReadableRequest,
    session: Session | undefined,
    around: readonly Extension[],
    incoming: readonly Extension[],
  ): MaybePromise<OutgoingReply | undefined> {
    const { hooks } = this.core;
    const answer = () =>
      andThen(hooks.incoming(request, this.#arrival(session), incoming), (next) =>
        this.#answer(next, session),
      );
    return around.length === 0 ? answer() : hooks.around(around, this.#work(request, session), answer);
  }

  #work(request: ReadableRequest, session: Session | undefined): Work<Session> {
    const { rules } = this.core;
    return { request, arrival: this.#arrival(session), pattern: rules.patternOf(request.channel) };
  }

  // Only one message of a batch begins at a time.
  #untilHandedOver(
    reply: Promise<OutgoingReply | undefined>,
    session: Session | undefined,
  ): MaybePromise<OutgoingReply | Late | undefined> {
    if (this.#handedTo !== undefined) return this.#lateReply(reply, session);
    return new Promise((resolve, reject) => {
      this.#goOn = () => resolve(this.#lateReply(reply, session));
      reply.then(resolve, reject);
    });
  }

  #lateReply(reply: Promise<OutgoingReply | undefined>, session: Session | undefined): Late {
    this.#lateFor = session;
    return new Late(this.#handedTo === 'store' && session !== undefined ? session.storing(reply) : reply);
  }

  #arrival(session: Session | undefined): Arrival<Session> {
    return { session, conduit: this.conduit, alone: this.alone };
  }

  #answer(request: ReadableRequest, session: Session | undefined): MaybePromise<OutgoingReply | undefined> {
    if (request.kind === 'handshake') return this.#open(request);
    const { replies } = this.core;
    const fields = this.#dispatch(request, session);
    return isPromise(fields)
      ? fields.then((later) => later && replies.finish(request, later, session, this.conduit))
      : fields && replies.finish(request, fields, session, this.conduit);
  }

  /** The fields of the reply; undefined if the connect is now held. */
  #dispatch(
    request: Exclude<ReadableRequest, HandshakeRequest>,
    session: Session | undefined,
  ): MaybePromise<ReplyFields | undefined> {
    if (session === undefined || session.state === 'gone') return this.#publishUnconnected(request);
    // PR-12: the publisher knows the place of an event among those that are being stored.
    const stored = session.stores?.last;
    if (stored !== undefined && request.kind !== 'connect' && !isBroadcast(request))
      return stored.then(() => this.#dispatch(request, session));
    session.touch(this.conduit.transport);
    if (this.conduit.shape === 'socket' && request.kind !== 'connect') bind(session, this.conduit);
    if (this.core.features.metering.length > 0) this.#meter(request, session);
    switch (request.kind) {
      case 'publish':
        return publish(request, session, this);
      case 'subscribe':
        return subscribe(request, session, this);
      case 'unsubscribe':
        return unsubscribe(request, session, this);
      case 'disconnect':
        return disconnect(session, this);
      case 'connect':
        return this.#connect(request, session);
    }
  }

  #meter(request: Exclude<ReadableRequest, HandshakeRequest>, session: Session | undefined): void {
    if (request.kind === 'connect' || request.kind === 'disconnect' || this.conduit.trusted === true) return;
    this.core.features.meter(request, session, this.conduit);
  }

  #connect(request: ConnectRequest, session: Session): MaybePromise<ReplyFields | undefined> {
    const waiting = session.connecting(request, this.conduit, this.alone);
    return isPromise(waiting)
      ? waiting.then(() => connect(request, session, this))
      : connect(request, session, this);
  }

  // PB-3: only a publish without a clientId may go on without a session.
  #publishUnconnected(request: ReadableRequest): MaybePromise<ReplyFields> {
    if (request.kind !== 'publish' || request.clientId !== undefined) throw errors.sessionUnknown();
    const allowed = this.core.judge.canPublishUnconnected(request, this.conduit);
    const goOn = (yes: boolean) => {
      if (!yes) throw errors.sessionUnknown();
      if (this.core.features.metering.length > 0) this.#meter(request, undefined);
      return publish(request, undefined, this);
    };
    return isPromise(allowed) ? allowed.then(goOn) : goOn(allowed);
  }

  #open(request: HandshakeRequest): MaybePromise<OutgoingReply> {
    return andThen(handshake(request, this), ({ fields, session }) => {
      this.#opened = session;
      return andThen(this.core.replies.finish(request, fields, session, this.conduit), (reply) => {
        // HS-9: an extension turned the reply into a failure.
        if (!reply.message.successful) session?.close('disconnected');
        return reply;
      });
    });
  }

  #fail(request: Request, cause: unknown, session: Session | undefined): MaybePromise<OutgoingReply> {
    // The whole batch is refused, not this message alone.
    if (cause instanceof NoRoomError) throw cause;
    const error = cause instanceof EngineUnavailable ? errors.engineUnavailable(cause.message) : cause;
    if (error instanceof BayeuxError) noteRefused(request, error, session, this);
    const { replies } = this.core;
    const adviceOverride = session === undefined && this.#lacksCookie(request) ? 'again' : undefined;
    const fields = replies.failed(request, error, session, this.conduit, adviceOverride);
    return replies.finish(request, fields, session, this.conduit);
  }

  // CK-2: with blocked cookies every new session fails like this, so the client must pause before it starts again.
  #lacksCookie(request: Request): boolean {
    const { sessions, options } = this.core;
    if (options.trustClientSession || request.kind !== 'connect' || this.conduit.session !== undefined)
      return false;
    return sessions.named(request) !== undefined;
  }

  #respond(): void {
    const replies = this.#replies;
    if (this.#handshake !== undefined) {
      // No connect is held in a batch with a handshake, so there is a reply to each request.
      replies.unshift(...replies.splice(this.#requests.indexOf(this.#handshake), 1));
    }
    // PR-3: events of one session only: the new one, else the first that connects, else the first that is named.
    const session = this.#opened ?? this.#connecting ?? this.#first;
    // Events that travel only with connect replies do not travel with a failed one.
    const connects = this.#connecting !== undefined && replies.some(isConnected);
    const carried = this.#opened !== undefined ? 'handshake' : connects ? 'connect' : 'other';
    if (session === undefined) this.conduit.send(replies);
    else session.respond(this.conduit, replies, carried);
    // WS-8: attached only now, since no event may come before the reply that names the session.
    if (this.conduit.shape !== 'exchange') this.#opened?.attach(this.conduit);
  }

  #giveUp(error: unknown): void {
    this.#leaveLine?.();
    if (error instanceof NoRoomError)
      this.conduit.end('capacity', undefined, error.message, error.retryAfter);
    else {
      this.core.log({ level: 'error', event: 'batch.failed', error });
      this.conduit.end('failed');
    }
    this.#close();
  }

  /** Makes the calls that wait until the response was written or never will be. */
  #close(): void {
    const calls = this.#afterwards ?? [];
    this.#afterwards = undefined;
    for (const call of calls) call();
  }
}

/** The reply to a message that was handed over: it comes when the engine, or the feature that stores it, answers. */
class Late {
  readonly made: MaybePromise<OutgoingReply | undefined>;

  constructor(made: MaybePromise<OutgoingReply | undefined>) {
    this.made = made;
  }
}

function isConnected({ message }: OutgoingReply): boolean {
  return message.channel === '/meta/connect' && message.successful;
}

function bytesOf(texts: string | readonly string[]): number {
  if (typeof texts === 'string') return Buffer.byteLength(texts);
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function isBroadcast({ kind, channel }: ReadableRequest): boolean {
  return kind === 'publish' && kindOf(channel) === 'broadcast';
}

function isHandshake({ kind }: Request): boolean {
  return kind === 'handshake';
}

// WS-8, WS-11: any message may bind a free socket to a session that receives events nowhere else.
function bind(session: Session, conduit: Conduit): void {
  if (conduit.session !== undefined) return;
  if (session.push === undefined && !session.isHeldElsewhere(conduit)) session.attach(conduit);
}
