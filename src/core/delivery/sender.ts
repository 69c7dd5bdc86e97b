import type { MetaChannel, Reply } from '../../protocol/message.ts';
import { type Outgoing, OutgoingReply } from '../../protocol/outgoing.ts';
import { OutgoingEvent, type OverflowRule } from '../../ports/outgoing-event.ts';
import type { Conduit, Handover } from '../../ports/conduit.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Counts } from '../counts.ts';
import type { Events } from '../events.ts';
import type { SessionFeatures } from '../session-features.ts';
import type { RefusalDetails, Refusals } from '../refusals.ts';
import { creditOf } from './credit.ts';
import type { Flushed, Flusher } from './flusher.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import type { Oversized } from './oversized.ts';
import { MAX_GAP_BYTES } from '../../ports/gap.ts';
import { GapReply } from './gaps.ts';
import { LazyWait } from './lazy.ts';
import type { Outbox, OverflowAction, Pushed } from '../../ports/outbox.ts';
import { PlainOutbox } from './plain-outbox.ts';

/** The most that a batch number and `x-messages` add to a reply. Bytes. */
const SIGNATURE = 64;

/** The speed at which a client has to read a large response. Bytes per millisecond. */
const SLOWEST = 16;

/** The parts of the server that a sender needs. */
export interface SenderHost {
  readonly clock: Clock;
  readonly limits: OutboxLimits;
  readonly flusher: Pick<Flusher, 'add' | 'addWithin' | 'forget'>;
  readonly counts: Pick<Counts, 'deliveries' | 'returned' | 'dropped'>;
  readonly oversized: Oversized;
  readonly events: Events;
  readonly refusals: Pick<Refusals, 'note'>;
  readonly options: { readonly maxLazyTimeout: number; readonly writeDelay: number };
}

/** The session that a sender sends for. */
export interface SenderOwner extends ServedSession {
  readonly clientId: string;
  readonly features: SessionFeatures;
  /** The request, or the socket, of the connect that is held. */
  readonly heldOn: Conduit | undefined;
  /** Answers the held connect, if there is one whose response may carry the events that wait. */
  answerHeld(): void;
  /** Answers the held connect, if there is one. */
  release(): unknown;
  /** Gives the client so much extra time, since it has a large response to read (EX-1). Milliseconds. */
  allow(ms: number): void;
  /** The client read some of what was sent (EX-1). */
  reads(): void;
  /** A batch that had not left at once was handed over whole, or is known to be lost (EX-1). */
  progressed(whole: boolean): void;
}

/** Sends the outbox of one session: in order, one unfinished response at a time. Lost events return to the outbox. */
export class Sender implements Handover, Flushed, OutboxOwner {
  // The fields that each event needs come first, so that they lie together in memory.
  outbox: Outbox;
  /** The socket or stream that events are pushed to; undefined if they leave with connect replies. */
  way: Conduit | undefined;
  readonly #host: SenderHost;
  readonly #owner: SenderOwner;
  #isScheduled = false;
  // The shortest delay that runs, of those of the events that wait; 0 if there is none. Milliseconds.
  #writeDelay = 0;
  #unsettled = 0;
  #carrier: Conduit | undefined;
  // Whether a volatile event was queued since the last flush.
  #hasVolatile = false;
  // Whether a batch was not handed over at once.
  #isSlow = false;
  // Events that may leave until the next connect; undefined: as many as there are.
  #credit: number | undefined;
  #lazyWait: LazyWait | undefined;

  constructor(owner: SenderOwner, host: SenderHost) {
    this.outbox = new PlainOutbox(host.limits, this);
    this.#owner = owner;
    this.#host = host;
  }

  /** Whether an urgent event waits, for no others any more, and the client accepts events. */
  get hasUrgent(): boolean {
    if (this.#credit === 0 || this.#writeDelay > 0) return false;
    return this.outbox.urgent > 0 || (this.#lazyWait?.isOver === true && this.outbox.size > 0);
  }

  /** Applies `ext.flow` of a connect until the next connect, also to events that are pushed. */
  setCredit(flow: unknown): void {
    const hadNone = this.#credit === 0;
    this.#credit = flow === undefined ? undefined : creditOf(flow);
    if (hadNone && this.hasUrgent) this.schedule();
  }

  /** Whether an event that is queued now can leave in this turn. */
  get takesNow(): boolean {
    const conduit = this.way ?? this.#owner.heldOn;
    return conduit !== undefined && this.#credit !== 0 && this.canUse(conduit);
  }

  /**
   * Puts an event in the outbox. It leaves at the end of this turn, after its write delay or, if it is lazy, by its deadline. A volatile
   * event that the client cannot be sent now is dropped.
   */
  queue(event: OutgoingEvent): Pushed {
    if (event.volatile) {
      if (!this.takesNow) return this.#lose(event);
      this.#hasVolatile = true;
    }
    const pushed = this.outbox.push(event);
    if (pushed !== 'kept') return pushed;
    if (event.lazy === false) {
      const delay = event.writeDelay ?? this.#host.options.writeDelay;
      if (delay === 0) this.schedule();
      else this.#scheduleWithin(delay);
    } else this.#waitLazily(event.lazy);
    return pushed;
  }

  /** Has the session flushed at the end of this turn. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.flusher.add(this);
  }

  flush(): void {
    // Events that are queued from here on need another flush.
    this.#isScheduled = false;
    this.#writeDelay = 0;
    if (this.hasUrgent) {
      if (this.way === undefined) this.#owner.answerHeld();
      else {
        this.push(this.way);
        // The client asks for more with its next connect.
        if (this.#credit === 0) void this.#owner.release();
        for (const feature of this.#owner.features.queueing) feature.queueMore?.();
      }
    }
    if (this.#hasVolatile) this.dropVolatile();
  }

  flushEarly(): void {
    if (this.way === undefined) this.#owner.answerHeld();
    else this.push(this.way);
  }

  get session(): ServedSession {
    return this.#owner;
  }

  overflow(dropped: OutgoingEvent, event: OutgoingEvent, action: OverflowAction, rule?: OverflowRule): void {
    const { counts, events } = this.#host;
    const session = this.#owner;
    for (const feature of session.features.all) feature.lost?.(dropped, rule ?? 'queue');
    if (events.hears.overflow) {
      events.emit('overflow', { session, event, action, ...(rule !== undefined && { rule }) });
    }
    if (action === 'disconnect') this.#noteOverflow(event, rule);
    else counts.dropped[action] += 1;
  }

  /** Whether the conduit takes events, and these cannot overtake earlier ones (DL-8). */
  canUse(conduit: Conduit): boolean {
    if (!conduit.ready || conduit.maxEvents === 0) return false;
    return this.#unsettled === 0 || (this.#carrier === conduit && conduit.shape !== 'exchange');
  }

  /** Sends queued events, as long as the conduit takes more. */
  push(conduit: Conduit): void {
    while (this.canUse(conduit) && this.outbox.size > 0 && this.#credit !== 0) {
      const events = this.#take(conduit);
      // The events may have become too old.
      if (events.length > 0) this.#send(conduit, events);
    }
  }

  reply(replies: readonly OutgoingReply[], conduit: Conduit): void {
    const signed = this.#signed(replies, '/meta/connect', conduit, []);
    // Gaps must come back if they are not handed over whole.
    if (signed !== replies && signed.some(isGapReply)) this.#send(conduit, signed);
    else conduit.send(signed);
  }

  /** Sends queued events together with replies: behind the replies of a handshake, else before them (PR-6). */
  sendWith(replies: readonly OutgoingReply[], conduit: Conduit, repliesFirst: boolean): void {
    const channel = repliesFirst ? '/meta/handshake' : '/meta/connect';
    // Replies cannot be split, so events leave room for them. But a lone connect brings at least one event.
    const beside = conduit.shape === 'exchange' ? replies : [];
    let events = this.#take(conduit, leftBeside(beside, channel, conduit), beside.length > 1 ? 0 : 1);
    while (!repliesFirst && conduit.shape === 'socket' && conduit.ready && this.outbox.size > 0) {
      if (this.#credit === 0) break;
      if (events.length > 0) this.#send(conduit, events);
      events = this.#take(conduit);
    }
    const signed = this.#signed(replies, channel, conduit, events);
    this.#send(
      conduit,
      repliesFirst ? [...counting(signed, events.length), ...events] : [...events, ...signed],
    );
  }

  /** Whether a batch was sent that is not known to have been handed over. */
  get isUnsettled(): boolean {
    return this.#unsettled > 0;
  }

  /** Moves unsettled batches of an older conduit to a newer one, since the link of the older one may be dead (DL-8). */
  overtake(newer: Conduit): void {
    const older = this.#carrier;
    if (this.#unsettled === 0 || older === undefined || older === newer) return;
    if (older.link === undefined || older.link !== newer.link) older.end('overtaken');
  }

  /** Returns a batch that was not handed over whole to the head of the outbox, in order (DL-8), as if it were queued anew. */
  settled(batch: readonly Outgoing[], whole: boolean, mayHaveArrived = false): void {
    this.#unsettled -= 1;
    if (this.#owner.state === 'gone') return;
    if (this.#isSlow) {
      this.#isSlow = this.#unsettled > 0;
      this.#owner.progressed(whole);
    }
    if (!whole) this.#putBack(batch, mayHaveArrived);
    else for (const feature of this.#owner.features.handedOver) feature.handedOver?.(batch);
    if (this.hasUrgent) this.schedule();
  }

  moved(): void {
    this.#owner.reads();
  }

  sentLarge(bytes: number): void {
    this.#owner.allow(bytes / SLOWEST);
  }

  /** Drops the volatile events that wait: they could not leave in their turn, or their conduit is gone (DL-14). */
  dropVolatile(): void {
    if (!this.#hasVolatile) return;
    this.#hasVolatile = false;
    for (const event of this.outbox.removeVolatile()) this.#lose(event);
  }

  /** Drops all queued events: the session is over. */
  clear(): void {
    this.#lazyWait?.end();
    this.#host.flusher.forget(this);
    this.outbox = new PlainOutbox(this.#host.limits, this);
  }

  #lose(event: OutgoingEvent): 'dropped' {
    for (const feature of this.#owner.features.all) feature.lost?.(event, 'volatile');
    return 'dropped';
  }

  // The session ends.
  #noteOverflow({ channel }: OutgoingEvent, rule: OverflowRule | undefined): void {
    const { limits, refusals } = this.#host;
    const { id: session } = this.#owner;
    const full =
      rule === undefined
        ? fullBy(this.outbox, limits)
        : { option: 'channels', why: 'the overflow rule of the channel says so' };
    refusals.note('session.overflow', { ...full, session, channel });
  }

  #putBack(batch: readonly Outgoing[], mayHaveArrived: boolean): void {
    for (const message of batch) if (isGapReply(message)) this.outbox.putBackGaps(message.gaps);
    const events = batch.filter((message) => message instanceof OutgoingEvent);
    this.#host.counts.returned += events.length;
    const returning = events.filter(({ volatile }) => !volatile);
    for (const event of events) if (event.volatile) this.#lose(event);
    if (returning.length === 0) return;
    for (const feature of this.#owner.features.all) feature.returned?.(returning);
    this.outbox.putBack(returning, mayHaveArrived);
  }

  // Replies are signed when they leave, not when they are made: only then it is known which events they follow.
  #signed(
    replies: readonly OutgoingReply[],
    channel: MetaChannel,
    conduit: Conduit,
    events: readonly OutgoingEvent[],
  ): readonly OutgoingReply[] {
    if (this.#owner.features.signing.length === 0 && this.outbox.sign === undefined && !this.outbox.hasGaps)
      return replies;
    const isShared = conduit.shape === 'exchange';
    let left = isShared ? leftBeside([...events, ...replies], channel, conduit) : 0;
    return replies.map((reply) => {
      const { message } = reply;
      const own = message.successful && message.clientId === this.#owner.clientId;
      if (!own || message.channel !== channel) return reply;
      const signed = this.#sign(message, conduit, isShared ? left + reply.bytes : conduit.maxBytes - 2);
      if (isShared) left -= signed.bytes - reply.bytes;
      return signed;
    });
  }

  // `maxBytes` is for the whole reply. Gaps and positions that do not fit wait for the next one.
  #sign(reply: Reply, conduit: Conduit, maxBytes: number): OutgoingReply {
    const { outbox } = this;
    const isAlone = this.#unsettled === 0 || this.#carrier === conduit;
    const signed = outbox.sign?.(reply, maxBytes) ?? reply;
    const isAll = isAlone && outbox.size === 0;
    let extended = signed;
    for (const feature of this.#owner.features.signing)
      extended = feature.signing?.(extended, isAll) ?? extended;
    let made = new OutgoingReply(extended);
    if (extended !== signed && made.bytes > maxBytes) made = new OutgoingReply(signed);
    // Gaps are reported only where they come back in order if the reply is not handed over whole.
    const reports = outbox.hasGaps && reply.channel === '/meta/connect' && this.canUse(conduit);
    const gaps = reports ? outbox.takeGaps(Math.min(maxBytes - made.bytes, MAX_GAP_BYTES)) : undefined;
    return gaps === undefined || gaps.size === 0 ? made : new GapReply(made.message, gaps);
  }

  #take(conduit: Conduit, maxBytes = conduit.maxBytes - 1, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    const most = Math.min(
      this.#credit ?? Number.POSITIVE_INFINITY,
      conduit.maxEvents ?? Number.POSITIVE_INFINITY,
    );
    const events = this.outbox.take(maxBytes, most, least);
    const [first] = events;
    if (first !== undefined && first.bytes >= maxBytes) this.#host.oversized.check(first, conduit);
    if (this.#credit !== undefined) this.#credit -= events.length;
    this.#host.counts.deliveries += events.length;
    for (const feature of this.#owner.features.sending) feature.sending?.(events);
    if (this.#lazyWait !== undefined && this.outbox.size === 0) this.#lazyWait.end();
    return events;
  }

  #send(conduit: Conduit, batch: readonly Outgoing[]): void {
    this.#carrier = conduit;
    this.#unsettled += 1;
    conduit.send(batch, this);
    if (this.#unsettled > 0) this.#isSlow = true;
  }

  // All that waits leaves together: a longer delay than one that runs changes nothing, nor does any where events wait for the client.
  #scheduleWithin(delay: number): void {
    const isRunning = this.#writeDelay > 0;
    if (this.#isScheduled || (isRunning && this.#writeDelay <= delay)) return;
    if (!isRunning && this.outbox.urgent > 1) {
      this.schedule();
      return;
    }
    this.#writeDelay = delay;
    this.#host.flusher.addWithin(this, delay);
  }

  #waitLazily(lazy: number | true): void {
    const { clock, options } = this.#host;
    const { maxLazyTimeout } = options;
    this.#lazyWait ??= new LazyWait(clock, () => this.schedule());
    this.#lazyWait.add(lazy === true ? maxLazyTimeout : Math.min(lazy, maxLazyTimeout));
  }
}

function fullBy({ kept, size }: Outbox, { maxQueue, maxQueueBytes }: OutboxLimits): RefusalDetails {
  const isLong = (kept ?? size) >= maxQueue;
  const [option, limit, what] = isLong
    ? (['maxQueue', maxQueue, 'events'] as const)
    : (['maxQueueBytes', maxQueueBytes, 'bytes'] as const);
  const why = `"${option}" is ${limit} and more ${what} wait for the session; raise it, or set "queueOverflow"`;
  return { option, limit, why };
}

/** Room of one response beside a batch: with commas, brackets, and what is still put into replies to this channel. Bytes. */
function leftBeside(batch: readonly Outgoing[], channel: MetaChannel, { maxBytes }: Conduit): number {
  let left = maxBytes - 1;
  for (const outgoing of batch) {
    const isSigned = outgoing instanceof OutgoingReply && outgoing.message.channel === channel;
    left -= outgoing.bytes + 1 + (isSigned ? SIGNATURE : 0);
  }
  return left;
}

// HS-15: the client waits for this many events before it connects, so those that need that connect do not count.
function counting(replies: readonly OutgoingReply[], events: number): readonly OutgoingReply[] {
  return replies.map((reply) => {
    const { message } = reply;
    const counts = message.channel === '/meta/handshake' && message.successful;
    return counts ? new OutgoingReply({ ...message, 'x-messages': events }) : reply;
  });
}

function isGapReply(message: Outgoing): message is GapReply {
  return message instanceof GapReply;
}
