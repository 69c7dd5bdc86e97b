import type { MetaChannel, Reply } from '../../protocol/message.ts';
import { type Outgoing, OutgoingReply } from '../../protocol/outgoing.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Conduit, Handover } from '../../ports/conduit.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import type { Clock } from '../../lib/clock.ts';
import { Credit } from './credit.ts';
import type { Flushed, Flusher } from './flusher.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import type { Oversized } from './oversized.ts';
import { MAX_GAP_BYTES } from '../../ports/gap.ts';
import { GapReply } from './gaps.ts';
import { LazyWait } from './lazy.ts';
import type { Outbox, Pushed } from '../../ports/outbox.ts';
import { PlainOutbox } from './plain-outbox.ts';

/** What a batch number and `x-messages` add to a reply at most. Bytes. */
const SIGNATURE = 64;

/** How fast a client has to read a large response. Bytes a millisecond. */
const SLOWEST = 16;

/** What a sender needs of the server. */
export interface SenderHost {
  readonly clock: Clock;
  readonly limits: OutboxLimits;
  readonly flusher: Pick<Flusher, 'add'>;
  readonly oversized: Oversized;
  readonly options: { readonly maxLazyTimeout: number };
}

/** The session that a sender sends for. */
export interface SenderOwner extends OutboxOwner, Flushed, Pick<ServedSession, 'state'> {
  readonly clientId: string;
  readonly features: readonly SessionFeature[];
  /** Its client needs so much longer to come, since it has much to read (EX-1). Milliseconds. */
  allow(ms: number): void;
  /** Some of what was sent was read (EX-1). */
  reads(): void;
  /** Something that had not left at once was handed over whole, or is known to be lost (EX-1). */
  progressed(whole: boolean): void;
}

/** What waits for one session, and how it leaves: in order, at most once at a time, and back again if it did not arrive. */
export class Sender implements Handover {
  outbox: Outbox;
  readonly #host: SenderHost;
  readonly #owner: SenderOwner;
  #carrier: Conduit | undefined;
  #unsettled = 0;
  // Whether something was not handed over at once.
  #isSlow = false;
  #scheduled = false;
  // Both are there for those alone who need them.
  #credit: Credit | undefined;
  #lazyWait: LazyWait | undefined;

  constructor(owner: SenderOwner, host: SenderHost) {
    this.#owner = owner;
    this.#host = host;
    this.outbox = new PlainOutbox(host.limits, owner);
  }

  /** Whether something waits that should not wait longer. */
  get hasUrgent(): boolean {
    if (this.#creditLeft === 0) return false;
    return this.outbox.urgent > 0 || (this.#lazyWait?.isOver === true && this.outbox.size > 0);
  }

  /** Whether as many events left as the client asked for, and it has to connect again for more. */
  get isSpent(): boolean {
    return this.#credit?.isSpent === true;
  }

  /** A connect came: what it says in `ext.flow` holds until the next one, whatever way events go. */
  setCredit(flow: unknown): void {
    const hadNone = this.#creditLeft === 0;
    this.#credit = Credit.of(flow);
    if (hadNone && this.hasUrgent) this.schedule();
  }

  /** Puts an event in the outbox, to leave at the end of this turn or, if it is lazy, in its time. */
  queue(event: OutgoingEvent): Pushed {
    const pushed = this.outbox.push(event);
    if (pushed !== 'kept') return pushed;
    if (event.lazy === false) this.schedule();
    else this.#waitLazily(event.lazy);
    return pushed;
  }

  /** Has the session flushed at the end of this turn, if anything is due. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#host.flusher.add(this.#owner);
  }

  /** The session is being flushed: what comes now is for another time. */
  begun(): void {
    this.#scheduled = false;
  }

  /** Whether this conduit can take events, and none that it carried before could be overtaken (DL-8). */
  canUse(conduit: Conduit): boolean {
    if (!conduit.ready) return false;
    return this.#unsettled === 0 || (this.#carrier === conduit && conduit.shape !== 'exchange');
  }

  /** Sends what waits, as long as the conduit takes more. */
  push(conduit: Conduit): void {
    while (this.#hasMore && this.canUse(conduit)) this.#sendEvents(conduit, this.#take(conduit));
  }

  /** Sends replies alone. */
  reply(replies: readonly OutgoingReply[], conduit: Conduit): void {
    const signed = this.#signed(replies, '/meta/connect', conduit, []);
    // Gaps come back if they are not handed over whole.
    if (signed.some(isGapReply)) this.#send(conduit, signed);
    else conduit.send(signed);
  }

  /** Sends what waits together with replies: behind them if these are a handshake's, else before them (PR-6). */
  sendWith(replies: readonly OutgoingReply[], conduit: Conduit, repliesFirst: boolean): void {
    const channel = repliesFirst ? '/meta/handshake' : '/meta/connect';
    // Replies of one response cannot be split, so events yield to them; but a lone connect brings at least one.
    const beside = conduit.shape === 'exchange' ? replies : [];
    let events = this.#take(conduit, leftBeside(beside, channel, conduit), beside.length > 1 ? 0 : 1);
    while (!repliesFirst && conduit.shape === 'socket' && conduit.ready && this.#hasMore) {
      this.#sendEvents(conduit, events);
      events = this.#take(conduit);
    }
    const signed = this.#signed(replies, channel, conduit, events);
    this.#send(
      conduit,
      repliesFirst ? [...counting(signed, events.length), ...events] : [...events, ...signed],
    );
  }

  /** Whether something was sent that is not known to have been handed over. */
  get isUnsettled(): boolean {
    return this.#unsettled > 0;
  }

  /** A newer way came: what an older one has still to hand over goes by that, since the link of the older one may be dead (DL-8). */
  overtake(newer: Conduit): void {
    const older = this.#carrier;
    if (this.#unsettled === 0 || older === undefined || older === newer) return;
    if (older.link === undefined || older.link !== newer.link) older.end('overtaken');
  }

  /** What was not handed over whole goes back to the head, in order (DL-8); that counts as queuing. */
  settled(batch: readonly Outgoing[], whole: boolean, mayHaveArrived = false): void {
    this.#unsettled -= 1;
    if (this.#owner.state === 'gone') return;
    if (this.#isSlow) this.#progressed(whole);
    if (!whole) {
      for (const one of batch) if (isGapReply(one)) this.outbox.putBackGaps(one.gaps);
      const events = batch.filter((one) => one instanceof OutgoingEvent);
      // A volatile one is worth nothing later, but what it tells of is.
      const worthy = events.filter(({ volatile, gap }) => !volatile || gap !== undefined);
      if (worthy.length > 0) this.outbox.putBack(worthy, mayHaveArrived);
    }
    if (this.hasUrgent) this.schedule();
  }

  moved(): void {
    this.#owner.reads();
  }

  sentLarge(bytes: number): void {
    this.#owner.allow(bytes / SLOWEST);
  }

  /** Drops what waits: the session is over. */
  clear(): void {
    this.#lazyWait?.end();
    this.outbox = new PlainOutbox(this.#host.limits, this.#owner);
  }

  get #creditLeft(): number {
    return this.#credit === undefined ? Number.POSITIVE_INFINITY : this.#credit.left;
  }

  get #hasMore(): boolean {
    return this.#creditLeft > 0 && this.outbox.size > 0;
  }

  // Now, and not when the reply was made: only now it is known which events it follows.
  #signed(
    replies: readonly OutgoingReply[],
    channel: MetaChannel,
    conduit: Conduit,
    events: readonly OutgoingEvent[],
  ): readonly OutgoingReply[] {
    const { sign, hasGaps } = this.outbox;
    if (sign === undefined && !hasGaps && !this.#owner.features.some(signs)) return replies;
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

  // Gaps and positions that the reply has no room for wait for the next one: `most` is what it may take. Bytes.
  #sign(reply: Reply, conduit: Conduit, most: number): OutgoingReply {
    const { outbox } = this;
    const alone = this.#unsettled === 0 || this.#carrier === conduit;
    const signed = outbox.sign?.(reply, most) ?? reply;
    const isAll = alone && outbox.size === 0;
    let told = signed;
    for (const feature of this.#owner.features) told = feature.signing?.(told, isAll) ?? told;
    let made = new OutgoingReply(told);
    if (told !== signed && made.bytes > most) made = new OutgoingReply(signed);
    // Only where they come back in order if the reply is not handed over whole.
    const tells = outbox.hasGaps && reply.channel === '/meta/connect' && this.canUse(conduit);
    const gaps = tells ? outbox.takeGaps(Math.min(most - made.bytes, MAX_GAP_BYTES)) : undefined;
    return gaps === undefined || gaps.size === 0 ? made : new GapReply(made.message, gaps);
  }

  #take(conduit: Conduit, maxBytes = conduit.maxBytes - 1, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    const events = this.outbox.take(maxBytes, this.#creditLeft, least);
    const [first] = events;
    if (first !== undefined && first.bytes >= maxBytes) this.#host.oversized.check(first, conduit);
    this.#credit?.spend(events.length);
    for (const feature of this.#owner.features) feature.sending?.(events);
    if (this.outbox.size === 0) this.#lazyWait?.end();
    return events;
  }

  // Nothing where what waited had become too old.
  #sendEvents(conduit: Conduit, events: readonly OutgoingEvent[]): void {
    if (events.length > 0) this.#send(conduit, events);
  }

  #send(conduit: Conduit, batch: readonly Outgoing[]): void {
    this.#carrier = conduit;
    this.#unsettled += 1;
    conduit.send(batch, this);
    if (this.#unsettled > 0) this.#isSlow = true;
  }

  #progressed(whole: boolean): void {
    this.#isSlow = this.#unsettled > 0;
    this.#owner.progressed(whole);
  }

  #waitLazily(lazy: number | true): void {
    const { clock, options } = this.#host;
    const { maxLazyTimeout } = options;
    this.#lazyWait ??= new LazyWait(clock, () => this.schedule());
    this.#lazyWait.add(lazy === true ? maxLazyTimeout : Math.min(lazy, maxLazyTimeout));
  }
}

/** What one response may carry besides these, with their commas, brackets, and what is still put into replies to this channel. Bytes. */
function leftBeside(batch: readonly Outgoing[], channel: MetaChannel, { maxBytes }: Conduit): number {
  let left = maxBytes - 1;
  for (const one of batch) left -= one.bytes + 1 + (one.message.channel === channel ? SIGNATURE : 0);
  return left;
}

// HS-15: the client waits for as many before it connects, so what does not fit and waits for that is not counted.
function counting(replies: readonly OutgoingReply[], events: number): readonly OutgoingReply[] {
  return replies.map((reply) => {
    const { message } = reply;
    const counts = message.channel === '/meta/handshake' && message.successful;
    return counts ? new OutgoingReply({ ...message, 'x-messages': events }) : reply;
  });
}

function signs({ signing }: SessionFeature): boolean {
  return signing !== undefined;
}

function isGapReply(one: Outgoing): one is GapReply {
  return one instanceof GapReply;
}
