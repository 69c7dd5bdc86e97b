import { errors } from '../protocol/errors.ts';
import type { ConnectRequest, HandshakeRequest, ReadableRequest, Request } from '../protocol/message.ts';
import type { OutgoingReply } from '../protocol/outgoing.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Context, Core } from './context.ts';
import { Exchange } from './exchange.ts';
import { andThen, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import { memoryOf } from '../lib/memory.ts';
import { Refusal } from './refusal.ts';
import type { ReplyFields } from './replies.ts';
import { connect } from './requests/connect.ts';
import { disconnect } from './requests/disconnect.ts';
import { handshake } from './requests/handshake.ts';
import { publish } from './requests/publish.ts';
import { subscribe, unsubscribe } from './requests/subscribe.ts';
import type { Session } from './session.ts';
import type { Timing } from './timing.ts';

/** How many messages of one session may wait for those before them (PR-12). */
const MAX_WAITING = 100;

/** Takes batches from the transports and answers them. Here, and only here, an error becomes a reply. */
export class Receiver {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Handles the messages of a batch one after another (PR-1), and writes the response. Never throws or rejects. */
  receive(requests: readonly Request[], conduit: Conduit): MaybePromise<void> {
    if (this.#isCrowded(requests, conduit)) {
      conduit.end('capacity');
      return;
    }
    const exchange = new Exchange(requests, conduit, this.#core);
    const answered = recover(
      () => this.#answerFrom(0, exchange),
      (error) => this.#giveUp(error, exchange),
    );
    return isPromise(answered) && !isInProcess(conduit) ? this.#counted(answered, requests) : answered;
  }

  // What is answered at once is not weighed.
  #counted(answered: Promise<void>, requests: readonly Request[]): Promise<void> {
    const { intake } = this.#core;
    const memory = memoryOf(requests);
    const session = this.#speakerOf(requests);
    intake.add(memory);
    if (session !== undefined) session.waitingBytes += memory;
    return answered.then(() => {
      intake.add(-memory);
      if (session !== undefined) session.waitingBytes -= memory;
    });
  }

  // A batch that waits for nobody costs no promise.
  #answerFrom(first: number, exchange: Exchange): MaybePromise<void> {
    const { requests } = exchange;
    for (let at = first; at < requests.length; at += 1) {
      const request = requests[at];
      if (request === undefined) break;
      const reply = exchange.isMisplaced(request)
        ? this.#fail(request, errors.handshakeNotAlone(), undefined, exchange.conduit)
        : this.#answer(request, exchange);
      if (isPromise(reply)) {
        return reply.then((made) => {
          exchange.add(made, request);
          return this.#answerFrom(at + 1, exchange);
        });
      }
      exchange.add(reply, request);
    }
    exchange.answer();
    exchange.close();
  }

  #giveUp(error: unknown, exchange: Exchange): void {
    const isRefused = error instanceof Refusal;
    if (!isRefused) this.#core.log({ level: 'error', event: 'exchange.failed', error });
    exchange.conduit.end(isRefused ? 'capacity' : 'failed');
    exchange.close();
  }

  // An HTTP request is turned away, or a socket closed, before any of it takes effect. While nothing waits nothing is weighed.
  #isCrowded(requests: readonly Request[], conduit: Conduit): boolean {
    const { intake } = this.#core;
    if (isInProcess(conduit) || intake.used === 0) return false;
    const memory = memoryOf(requests);
    return !intake.hasRoomFor(memory, conduit.address) || this.#isLineFull(requests, memory, conduit);
  }

  // A socket is not read instead.
  #isLineFull(requests: readonly Request[], memory: number, conduit: Conduit): boolean {
    const session = conduit.shape === 'exchange' ? this.#speakerOf(requests) : undefined;
    if (session === undefined || session.waitingBytes === 0) return false;
    const { maxWaitingBytes } = this.#core.options;
    const isLong = session.line.length >= MAX_WAITING;
    if (!isLong && session.waitingBytes + memory <= maxWaitingBytes) return false;
    const full = isLong ? { limit: MAX_WAITING } : { option: 'maxWaitingBytes', limit: maxWaitingBytes };
    this.#core.refusals.note('request.refused', { ...full, session: session.id });
    return true;
  }

  /** Whose line a batch waits in first; a connect waits in none. */
  #speakerOf(requests: readonly Request[]): Session | undefined {
    for (const request of requests) {
      if (request.kind === 'connect' || request.kind === 'invalid') continue;
      const session = this.#core.sessions.bySecret(request.clientId ?? '');
      if (session !== undefined) return session;
    }
    return undefined;
  }

  /** The reply; undefined when the request is a connect that is held now. */
  #answer(request: Request, exchange: Exchange): MaybePromise<OutgoingReply | undefined> {
    const { conduit } = exchange;
    if (request.kind === 'invalid') {
      const error = request.fault === 'channel_missing' ? errors.channelMissing() : errors.messageIdInvalid();
      return this.#fail(request, error, undefined, conduit);
    }
    if (request.kind === 'publish' && !this.#core.grammar.isName(request.channel)) {
      return this.#fail(request, errors.channelInvalid([request.channel]), undefined, conduit);
    }
    const session = request.kind === 'handshake' ? undefined : this.resolve(request.clientId, conduit);
    if (session !== undefined) exchange.resolved(session, request.kind === 'connect');
    const work = () => this.#attempt(request, session, exchange);
    return session === undefined || request.kind === 'connect' ? work() : session.line.run(work);
  }

  /** The session with this secret (PR-2), where the options say so only for whom it was opened (CK-2, WS-9, WS-10). */
  resolve(clientId: string | undefined, conduit: Conduit): Session | undefined {
    const session = clientId === undefined ? undefined : this.#core.sessions.bySecret(clientId);
    return session !== undefined && this.#isTrusted(session, conduit) ? session : undefined;
  }

  #isTrusted(session: Session, conduit: Conduit): boolean {
    const { trustClientSession, websocket } = this.#core.options;
    if (conduit.transport === 'in-process') return true;
    if (conduit.shape === 'socket') {
      if (conduit.session === session) return true;
      if (websocket.requireHandshakePerConnection) return false;
      if (conduit.session !== undefined) return trustClientSession;
    }
    return trustClientSession || (session.browser !== undefined && session.browser === conduit.browser);
  }

  // As on the way of a publish, no function is made here unless something has to be waited for.
  #attempt(
    request: ReadableRequest,
    session: Session | undefined,
    exchange: Exchange,
  ): MaybePromise<OutgoingReply | undefined> {
    try {
      const passed = this.#core.pipeline.incoming(request, session, exchange.conduit, exchange.alone);
      const reply = isPromise(passed)
        ? passed.then((one) => this.#dispatch(one, session, exchange))
        : this.#dispatch(passed, session, exchange);
      return isPromise(reply)
        ? reply.catch((error: unknown) => this.#refuse(error, request, session, exchange))
        : reply;
    } catch (error) {
      return this.#refuse(error, request, session, exchange);
    }
  }

  #refuse(
    error: unknown,
    request: ReadableRequest,
    session: Session | undefined,
    { conduit }: Exchange,
  ): MaybePromise<OutgoingReply> {
    if (error instanceof Refusal) throw error;
    return this.#fail(request, error, session, conduit);
  }

  #dispatch(
    request: ReadableRequest,
    session: Session | undefined,
    exchange: Exchange,
  ): MaybePromise<OutgoingReply | undefined> {
    if (request.kind === 'handshake') return this.#open(request, exchange);
    const { conduit } = exchange;
    const fields = this.#carryOut(request, session, exchange);
    if (isPromise(fields))
      return fields.then((later) => later && this.#finish(request, later, session, conduit));
    return fields && this.#finish(request, fields, session, conduit);
  }

  #open(request: HandshakeRequest, exchange: Exchange): MaybePromise<OutgoingReply> {
    return andThen(handshake(request, exchange), ({ fields, session }) => {
      if (session !== undefined) exchange.opened(session);
      return andThen(this.#finish(request, fields, session, exchange.conduit), (reply) => {
        // HS-9: an extension made a failure of it.
        if (!reply.message.successful) session?.close('disconnected');
        return reply;
      });
    });
  }

  /** What the reply says; undefined when the connect is held now. */
  #carryOut(
    request: Exclude<ReadableRequest, HandshakeRequest>,
    session: Session | undefined,
    context: Context,
  ): MaybePromise<ReplyFields | undefined> {
    if (session === undefined || session.state === 'gone') return this.#carryOutAlone(request, context);
    session.touch(context.conduit.transport);
    if (request.kind === 'connect') {
      const vetted = this.#core.revalidation?.connecting(session, context.conduit);
      return isPromise(vetted)
        ? vetted.then(() => this.#connect(request, session, context))
        : this.#connect(request, session, context);
    }
    bind(session, context.conduit);
    switch (request.kind) {
      case 'publish':
        return publish(request, session, context);
      case 'subscribe':
        return subscribe(request, session, context);
      case 'unsubscribe':
        return unsubscribe(request, session, context);
      case 'disconnect':
        return disconnect(session, context);
    }
  }

  #connect(request: ConnectRequest, session: Session, context: Context): ReplyFields | undefined {
    // The policy, asked again, may have ended it (SEC-6).
    if (session.state === 'gone')
      throw session.wasTold ? errors.sessionDisconnected() : errors.sessionUnknown();
    session.tightening?.connecting(request, context.conduit, context.alone);
    return connect(request, session, context);
  }

  // PB-3: only a publish that names no session may go on without one.
  #carryOutAlone(request: ReadableRequest, context: Context): MaybePromise<ReplyFields> {
    if (request.kind !== 'publish' || request.clientId !== undefined) throw errors.sessionUnknown();
    const allowed = this.#core.judge.canPublishUnconnected(request, context.conduit);
    return andThen(allowed, (yes) => {
      if (!yes) throw errors.sessionUnknown();
      return publish(request, undefined, context);
    });
  }

  #finish(
    request: Request,
    fields: ReplyFields,
    session: Session | undefined,
    conduit: Conduit,
  ): MaybePromise<OutgoingReply> {
    return this.#core.replies.finish(request, fields, session, this.#timing(session, conduit));
  }

  #fail(
    request: Request,
    error: unknown,
    session: Session | undefined,
    conduit: Conduit,
  ): MaybePromise<OutgoingReply> {
    const told = this.#lacksCookie(request, conduit) ? 'again' : undefined;
    const fields = this.#core.replies.failed(request, error, this.#timing(session, conduit), told);
    return this.#finish(request, fields, session, conduit);
  }

  // CK-2: where cookies are blocked every new session fails like this, so the client must not start over in a tight loop.
  #lacksCookie(request: Request, conduit: Conduit): boolean {
    if (this.#core.options.trustClientSession || request.kind !== 'connect') return false;
    const session = this.#core.sessions.bySecret(request.clientId ?? '');
    return session !== undefined && conduit.session === undefined && !this.#isTrusted(session, conduit);
  }

  #timing(session: Session | undefined, { transport }: Conduit): Timing {
    return session?.timing(transport) ?? this.#core.timings.of(transport);
  }
}

// Its application bounds itself.
function isInProcess({ transport }: Conduit): boolean {
  return transport === 'in-process';
}

// WS-8, WS-11: any message may bind a free socket to a session that is listening nowhere else.
function bind(session: Session, conduit: Conduit): void {
  if (conduit.shape !== 'socket' || conduit.session !== undefined) return;
  if (session.push === undefined && !session.isHeldElsewhere(conduit)) session.attach(conduit);
}
