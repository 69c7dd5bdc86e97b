import { kindOf } from '../protocol/channel.ts';
import { type BayeuxError, errors } from '../protocol/errors.ts';
import type { Advice, ConnectRequest, JsonObject } from '../protocol/message.ts';
import { type Delivery, OutgoingEvent, type OutgoingReply } from '../protocol/outgoing.ts';
import type { Seat } from './admission.ts';
import type { AdviceKind } from './advice.ts';
import type { Stamped } from '../channels/channel-index.ts';
import type { Timer } from '../lib/clock.ts';
import type { Conduit, TransportName } from '../ports/conduit.ts';
import type { Core } from './context.ts';
import type { Extension } from '../ports/extension.ts';
import { Replays } from './history/replays.ts';
import type { Tightening } from './history/tightening.ts';
import { copyOf } from '../lib/json.ts';
import { Line } from '../lib/task-queue.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import { checkExtension } from './pipeline.ts';
import type { Outbox, OutboxLimits } from '../ports/outbox.ts';
import { Sender } from './delivery/sender.ts';
import { RecentPublishes } from './recent-publishes.ts';
import type { Validity } from './revalidation.ts';
import type { Timing } from './timing.ts';
import { UsageError } from '../lib/usage-error.ts';

/** Where a session stands (see the table above `Session`). */
export type SessionState = 'new' | 'idle' | 'held' | 'gone';

/** Why a session ended. */
export type CloseReason =
  /** The client said so. */
  | 'disconnect'
  /** The application called `disconnect()`. */
  | 'disconnected'
  /** The client was silent for too long. */
  | 'timeout'
  /** More waited for it than may wait (DL-10). */
  | 'overflow'
  /** The policy, asked again, no longer lets it in (SEC-6). */
  | 'revoked'
  /** The policy, asked again, failed to answer, and `revalidateFailure` is `end`. */
  | 'unverified'
  /** It did nothing for too long but connect (AC-1). */
  | 'inactive'
  /** Its replay could not go on: what it had still to bring was discarded, or cannot be read. */
  | 'history'
  /** It never connected, and its socket shook hands anew (HS-2). */
  | 'replaced'
  /** The server closed. */
  | 'shutdown';

/** What a session is made of. */
export interface SessionParts {
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
  /** Whether publishes it repeats are recognised (PB-7). */
  readonly dedupe: boolean;
}

/** What a response answers: decides which events may ride along, and where they stand. */
export type Carried = 'handshake' | 'connect' | 'other';

const none: readonly Extension[] = [];

/** How long a client may at least take to read what was sent to it. Milliseconds. */
const READING = 10_000;

/** How much longer a client with much to read has to come back, at most. Milliseconds. */
const MOST_ALLOWED = 60_000;

interface Held {
  readonly request: ConnectRequest;
  readonly conduit: Conduit;
  /** How long the session lives after the reply. Milliseconds. */
  readonly grace: number;
  readonly counted: boolean;
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
export class Session implements Stamped {
  // What each event looks at comes first, so that it lies together in memory: a tenth of W3.
  #state: SessionState = 'new';
  readonly #core: Core;
  readonly #sender: Sender;
  #push: Conduit | undefined;
  #extensions: readonly Extension[] = none;
  /** Its subscriptions on their way from the past to the present; absent where no history is kept. */
  readonly replays: Replays | undefined;
  /** When the policy was last asked about it; there only where it is asked again (SEC-6). */
  validity: Validity | undefined;
  /** Tells it where it stands, if it asked for that (RP-17). */
  tightening: Tightening | undefined;
  /** Whether events travel with connect replies only, whatever the transport says; or where they would come by polling (CN-14, DL-13). */
  deliverOnly: boolean | 'polling' = false;

  /** Public name: use it everywhere but on the wire to this client (HS-16). */
  readonly id: string;
  /** Who this is, if the policy said. */
  readonly user: string | undefined;
  readonly seat: Seat;
  /** What an application, or an extension under its own name, keeps of this session: plain JSON, so that it can move. */
  readonly attributes: Record<string, unknown> = {};
  /** Names and patterns it subscribes to. */
  readonly subscriptions = new Set<string>();
  /** What they take in memory, were it alone with them. Bytes. */
  subscriptionBytes = 0;
  /** In which order its requests are handled (PR-12). */
  readonly line = new Line();
  /** Memory of its messages that wait, or are at work; kept by `Receiver`. Bytes. */
  waitingBytes = 0;
  readonly recent: RecentPublishes | undefined;
  /** Whether it gets its own events; undefined leaves that to the channel and the server (PB-5). */
  broadcastToPublisher: boolean | undefined;
  /** The channel index's mark. */
  stamp = 0;

  // Private, so that nothing that prints or stores a session has them.
  readonly #clientId: string;
  readonly #browser: string | undefined;
  readonly #timing: Partial<Timing> | undefined;
  #transport: TransportName;
  #connected = false;
  #wasTold = false;
  #deadline = 0;
  // How long it may be silent now, how much longer since its client has much to read, and for how long what is being read put its
  // end off. Milliseconds.
  #grace = 0;
  #allowed = 0;
  #readTo = 0;
  #timer: Timer | undefined;
  #timerAt = 0;
  #held: Held | undefined;

  constructor(parts: SessionParts, core: Core) {
    this.id = parts.id;
    this.#clientId = parts.clientId;
    this.user = parts.user;
    this.#browser = parts.browser;
    this.seat = parts.seat;
    this.recent = parts.dedupe ? new RecentPublishes() : undefined;
    this.#transport = parts.transport;
    this.#timing = parts.timing;
    this.#core = core;
    this.#sender = new Sender(this, core);
    const { history } = core;
    if (history !== undefined)
      this.replays = new Replays(this, core, history, (event) => this.#enqueue(event));
    const { interval, maxInterval } = this.timing(parts.transport);
    this.#grace = interval + maxInterval;
    this.#enter('new', this.#grace);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The client's bearer secret. */
  get clientId(): string {
    return this.#clientId;
  }

  /** The cookie of the browser it handshook from, if it has one. */
  get browser(): string | undefined {
    return this.#browser;
  }

  /** Extensions for this session alone. */
  get extensions(): readonly Extension[] {
    return this.#extensions;
  }

  /** What waits for it. */
  get outbox(): Outbox {
    return this.#sender.outbox;
  }

  /** An extension may put its own in place before anything is queued. */
  set outbox(outbox: Outbox) {
    this.#sender.outbox = outbox;
  }

  /** How much may wait for it. */
  get limits(): OutboxLimits {
    return this.#core.outboxLimits;
  }

  /** Whether a connect of it was ever answered. */
  get connected(): boolean {
    return this.#connected;
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

  /** Sends an event to this session alone, whether it subscribes or not (DL-12). Throws `UsageError` as `server.publish` does. */
  deliver(channel: string, data: unknown, how: Delivery & { readonly ext?: JsonObject } = {}): void {
    if (kindOf(channel) === 'meta' || !this.#core.grammar.isName(channel)) {
      throw new UsageError(`"${channel}" is no broadcast or service channel`);
    }
    const said = this.#core.pipeline.saying({ data, ...(how.ext !== undefined && { ext: how.ext }) });
    const ext = said.ext === undefined ? {} : { ext: copyOf(said.ext) };
    const { overflow } = this.#core.rules.of(channel);
    const handling = overflow === undefined ? how : { ...how, overflow };
    const event = new OutgoingEvent({ channel, data: copyOf(said.data), ...ext }, handling);
    this.queue(event);
    this.#core.backlog.queued(event);
  }

  /** Ends the session from the server's side: the client is told, and stops (DC-6). */
  disconnect(reason: 'disconnected' | 'overflow' | 'revoked' | 'inactive' = 'disconnected'): void {
    if (this.#state === 'gone') return;
    this.#wasTold = true;
    const held = this.#unhold();
    const push = this.#push;
    // Closing would end a stream before it carried the notice.
    if (push !== undefined) this.detach(push);
    this.close(reason);
    void andThen(this.#core.replies.notice(this), (notice) => {
      if (held === undefined) {
        push?.send([notice]);
        push?.end('disconnected');
        return;
      }
      void andThen(this.#failure(held, errors.sessionDisconnected()), (reply) => {
        held.conduit.send([notice, reply]);
        push?.end('disconnected');
      });
    });
  }

  /** Ends the session where it cannot go on as promised: its client is told to shake hands again, now or with its next connect. */
  startOver(reason: 'history' | 'unverified'): void {
    const held = this.#unhold();
    this.close(reason);
    if (held !== undefined) this.#fail(held, errors.sessionUnknown(), 'again');
  }

  /** Adds an extension for this session alone. Throws `UsageError` for names that nothing looks for. */
  extend(extension: Extension): void {
    checkExtension(extension);
    this.#extensions = [...this.#extensions, extension];
  }

  /** The times it lives by on a transport: its own, else the transport's, else the server's. */
  timing(transport: TransportName): Timing {
    const timing = this.#core.timings.of(transport);
    return this.#timing === undefined ? timing : { ...timing, ...this.#timing };
  }

  /** Whether events for it travel on this transport with connect replies only (CN-14). */
  isDeliverOnly(transport: TransportName): boolean {
    const own = this.deliverOnly === 'polling' ? transport.endsWith('polling') : this.deliverOnly;
    return own || this.#core.timings.deliverOnly(transport);
  }

  /** Queues an event, to leave at the end of this turn or with the next response. */
  queue(event: OutgoingEvent): void {
    // RP-9: a replay that covers its channel will bring it.
    if (event.replayId !== undefined && this.replays?.takes(event)) return;
    this.#enqueue(event);
  }

  #enqueue(event: OutgoingEvent): void {
    if (this.#state === 'gone') return;
    const own = this.#core.pipeline.delivering(event, this);
    if (own === undefined) return;
    if (this.#sender.queue(own) === 'full') this.disconnect('overflow');
    // What all get alike is counted where it is published.
    else if (own !== event || event.replayed) this.#core.backlog.queued(own);
  }

  /** Sends what is due, if there is a way. Called once at the end of a turn in which something was queued. */
  flush(): void {
    this.#sender.begun();
    if (this.#state === 'gone' || !this.isDue) return;
    const push = this.#push;
    if (push !== undefined && this.isPushed) {
      this.#sender.push(push);
      // For more it asks with its next connect.
      if (this.#sender.hasSpent) void this.release();
      this.replays?.goOn();
    } else if (this.#held !== undefined && this.isDueOn(this.#held.conduit)) void this.release();
  }

  /** A connect came, with this in `ext.flow`: how many events may leave until the next one. */
  grant(flow: unknown): void {
    this.#sender.grant(flow);
  }

  /** Sends what waits before the end of the turn, lazy or not, if there is a way: there is no room for more. */
  relieve(): void {
    if (this.#state === 'gone') return;
    const push = this.#push;
    if (push !== undefined && this.isPushed) this.#sender.push(push);
    else if (this.#held !== undefined && this.#mayCarry(this.#held.conduit, 'connect')) void this.release();
  }

  /** Whether events leave by a socket or stream as they come, and not with connect replies. */
  get isPushed(): boolean {
    return this.#push !== undefined && !this.isDeliverOnly(this.#push.transport);
  }

  /** Whether something waits that should not wait longer. */
  get isDue(): boolean {
    return this.#sender.isDue;
  }

  /** Whether a connect on this conduit would be answered with it at once (CN-7). */
  isDueOn(conduit: Conduit): boolean {
    return this.isDue && this.#mayCarry(conduit, 'connect');
  }

  /** Writes the replies of one exchange, with the events that may ride along, in the order of PR-6. */
  respond(conduit: Conduit, replies: readonly OutgoingReply[], carried: Carried): void {
    if (this.#mayCarry(conduit, carried)) this.#sender.sendWith(replies, conduit, carried === 'handshake');
    else this.#sender.reply(replies, conduit);
    this.replays?.goOn();
  }

  /** Parks a connect until there is something to say, `hold` milliseconds pass, a newer one comes or the peer hangs up. */
  hold(request: ConnectRequest, conduit: Conduit, hold: number, grace: number, counted: boolean): void {
    this.#held = { request, conduit, grace, counted };
    conduit.session = this;
    this.#enter('held', hold);
    // Where polls rest, what is due waits for the end of that.
    if (this.isDue) this.#sender.schedule();
    // What it acknowledged may have made room.
    this.replays?.goOn();
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
      { ...this.#core.advisor.advise('retry', timing), interval },
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
      if (this.#isWaiting) this.#enter(this.#state, this.#grace);
    }
  }

  /** Puts the end off: any message is a sign of life, though it never brings the end nearer (EX-2). */
  touch(carrier: TransportName): void {
    // ES-5: who listens to a stream speaks by POST.
    const transport =
      carrier === 'long-polling' && this.#push?.shape === 'stream' ? this.#push.transport : carrier;
    this.#transport = transport;
    if (this.#isWaiting) this.#putOff(this.timing(transport).maxInterval);
  }

  /** Makes a socket or stream the way events are pushed: one for a session, one session for each (WS-8). */
  attach(conduit: Conduit): void {
    // The peer may have gone while a policy or an extension thought: nothing would ever take it away again.
    if (!conduit.alive || this.#state === 'gone') return;
    if (conduit.session !== this) conduit.session?.cede(conduit);
    this.overtake(conduit);
    const older = this.#push;
    if (older !== undefined && older !== conduit) {
      this.detach(older);
      if (older.shape === 'stream') older.end('replaced');
    }
    this.#push = conduit;
    conduit.session = this;
    if (this.isDue) this.#sender.schedule();
  }

  /** Takes a socket's or stream's part in the session away, and leaves the conduit itself alone. */
  detach(conduit: Conduit): void {
    if (this.#push === conduit) this.#push = undefined;
    if (this.#held?.conduit === conduit) {
      const held = this.#unhold();
      this.rest(held?.grace ?? 0);
    }
    if (conduit.session === this) conduit.session = undefined;
    if (this.isDue) this.#sender.schedule();
  }

  /** Leaves a socket to another session. A connect that is held there is answered, with a pause: the other may want it back (ADV-5). */
  cede(conduit: Conduit): void {
    const held = this.#held?.conduit === conduit ? this.#unhold() : undefined;
    this.detach(conduit);
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
    if (this.#state === 'gone') return;
    const held = this.#unhold();
    const push = this.#push;
    this.#timer?.cancel();
    this.#state = 'gone';
    this.#push = undefined;
    if (push !== undefined) push.session = undefined;
    this.#sender.clear();
    this.replays?.stop();
    this.#core.subscriptions.removeAll(this);
    this.#core.sessions.remove(this);
    if (reason === 'shutdown') {
      held?.conduit.end('shutdown');
      push?.end('shutdown');
    } else if (reason === 'disconnect' || push?.shape === 'stream') push?.end('disconnected');
    this.#core.events.emit('session.closed', { session: this, reason });
    this.#core.log({ level: 'debug', event: 'session.closed', session: this.id, reason });
  }

  #success({ request, conduit }: Held, advice?: Advice): MaybePromise<OutgoingReply> {
    const timing = this.timing(conduit.transport);
    const fields = { successful: true, advice: advice ?? this.#core.advisor.advise('retry', timing) };
    return this.#core.replies.finish(request, fields, this, timing);
  }

  #fail(held: Held, error: BayeuxError, told?: AdviceKind): void {
    void andThen(this.#failure(held, error, told), (reply) => held.conduit.send([reply]));
  }

  #failure(held: Held, error: BayeuxError, told?: AdviceKind): MaybePromise<OutgoingReply> {
    const timing = this.timing(held.conduit.transport);
    const fields = this.#core.replies.failed(held.request, error, timing, told);
    return this.#core.replies.finish(held.request, fields, this, timing);
  }

  // Whether it ends unless its client comes.
  get #isWaiting(): boolean {
    return this.#state === 'new' || this.#state === 'idle';
  }

  // The timer finds the later deadline when it fires.
  #putOff(ms: number): void {
    if (this.#isWaiting) this.#deadline = Math.max(this.#deadline, this.#core.clock.now() + ms);
  }

  // One timer serves each deadline after another: where it fires before the deadline, it is set again for what is left (EX-2).
  #enter(state: SessionState, ms: number): void {
    this.#state = state;
    const now = this.#core.clock.now();
    this.#deadline = now + ms;
    if (this.#timer === undefined || this.#timerAt > this.#deadline) this.#arm(now);
  }

  #arm(now: number): void {
    this.#timer?.cancel();
    this.#timerAt = this.#deadline;
    const left = this.#deadline - now;
    this.#timer = Number.isFinite(left) ? this.#core.clock.after(left, this.#onTimer) : undefined;
  }

  readonly #onTimer = (): void => {
    const now = this.#core.clock.now();
    this.#timer = undefined;
    // It may fire a shade early.
    if (this.#deadline - now >= 1) this.#arm(now);
    else if (this.#state === 'held') void this.release();
    else if (this.#isRead) this.#readOn();
    else this.close('timeout');
  };

  // EX-1: whoever still reads an answer cannot come. What makes no progress for as long as a connect is held counts as lost.
  get #isRead(): boolean {
    return this.#sender.isUnsettled && this.#readTo < Math.max(this.timing(this.#transport).timeout, READING);
  }

  #readOn(): void {
    const step = Math.max(this.#grace, 1);
    this.#readTo += step;
    this.#enter(this.#state, step);
  }

  #unhold(): Held | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    this.#held = undefined;
    // By now it may be another's.
    if (held.conduit !== this.#push && held.conduit.session === this) held.conduit.session = undefined;
    if (held.counted && this.browser !== undefined) this.#core.browsers.free(this.browser);
    return held;
  }

  // DL-3, the table of which response carries what is queued.
  #mayCarry(conduit: Conduit, carried: Carried): boolean {
    if (this.#state === 'gone' || this.outbox.size === 0) return false;
    if (!this.#sender.canUse(conduit)) return false;
    if (carried === 'handshake') return this.#core.options.handshakeDelivery;
    const { isPushed } = this;
    if (conduit.shape === 'socket') return this.#push === conduit && (isPushed || carried === 'connect');
    if (isPushed) return false;
    return carried === 'connect' || !this.isDeliverOnly(conduit.transport);
  }
}
