import type { OutgoingEvent, OverflowRule } from '../../ports/outgoing-event.ts';
import type { OverflowAction, Pushed } from '../../ports/outbox.ts';
import { EVERYWHERE, type Gap, type GapsByChannel } from '../../ports/gap.ts';
import { Gaps, gapFor } from './gaps.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import { Queue } from './queue.ts';

/**
 * The queue of one session, with limits. An event that does not fit is dropped, or older events are, as the rule of its channel or the
 * server says. The next event of the channel reports what was dropped; where no event is left, the next connect reply does.
 */
export class BoundedQueue extends Queue {
  readonly #limits: OutboxLimits;
  readonly #owner: OutboxOwner;
  #gaps: Gaps | undefined;
  // Rules whose events are dropped when they have waited for too long.
  #aging: Set<OverflowRule> | undefined;
  #reserved = 0;
  #reservedBytes = 0;
  #isPushing = false;

  constructor(limits: OutboxLimits, owner: OutboxOwner, events: readonly OutgoingEvent[]) {
    super();
    this.#limits = limits;
    this.#owner = owner;
    for (const event of events) this.append(event);
  }

  /** Whether the queue is empty and keeps nothing that a later event depends on. */
  get isIdle(): boolean {
    const isClean = this.#gaps === undefined && this.#aging === undefined;
    return isClean && this.size === 0 && !this.hasRules && !this.#isPushing;
  }

  push(event: OutgoingEvent): Pushed {
    // Events that are sent early to make room may bring more events here.
    this.#isPushing = true;
    const pushed = event.replayed ? 'kept' : this.#makeRoom(event, event.overflow);
    if (pushed === 'kept') this.append(this.#gaps === undefined ? event : this.#gaps.reportedBy(event));
    this.#isPushing = false;
    return pushed;
  }

  /** With `least` 0 the result is empty if the first event is too big. */
  take(maxBytes: number, maxCount: number, least: 0 | 1): OutgoingEvent[] {
    if (this.#aging !== undefined) for (const rule of this.#aging) this.#expire(rule);
    const ahead = this.#gaps?.ahead;
    return this.takeFirst(maxBytes, maxCount, least, ahead?.size === 0 ? undefined : ahead);
  }

  putBack(events: readonly OutgoingEvent[]): void {
    // The gaps lie between these events and the others.
    if (this.#gaps !== undefined) this.#reportLater(this.#gaps, this.#gaps.ahead, 0);
    this.prepend(events);
    for (const [index, event] of events.entries()) {
      if (this.newest(event) > index) this.#replace(index);
    }
  }

  get hasGaps(): boolean {
    return this.#gaps?.hasAny(this.size === 0) ?? false;
  }

  takeGaps(maxBytes: number): GapsByChannel {
    return this.#gaps?.take(this.size === 0, maxBytes) ?? new Map();
  }

  putBackGaps(gaps: GapsByChannel): void {
    this.#gaps?.putBack(gaps);
  }

  missed(): void {
    this.#gaps ??= new Gaps();
    this.#gaps.add('behind', EVERYWHERE, {});
  }

  reserve(events: number, bytes: number): void {
    this.#reserved += events;
    this.#reservedBytes += bytes;
  }

  #makeRoom(event: OutgoingEvent, rule: OverflowRule | undefined): Pushed {
    // Flush first: a fast reader must not lose events to a burst within one turn of the event loop.
    if (!this.#fits(event) || (rule !== undefined && !this.#fitsRule(event, rule))) this.#owner.flushEarly();
    if (rule !== undefined) {
      const pushed = this.#makeRoomByRule(event, rule);
      if (pushed !== 'kept') return pushed;
    }
    while (!this.#fits(event)) {
      const pushed = this.#overflow(event, rule);
      if (pushed !== 'kept') return pushed;
    }
    return 'kept';
  }

  #fits(event: OutgoingEvent): boolean {
    const { maxQueue, maxQueueBytes } = this.#limits;
    return (
      this.counted + this.#reserved < maxQueue &&
      this.countedBytes + this.#reservedBytes + event.bytes <= maxQueueBytes
    );
  }

  #makeRoomByRule(event: OutgoingEvent, rule: OverflowRule): Pushed {
    const older = this.newest(event);
    if (older !== -1) this.#replace(older);
    if (rule.maxAge !== undefined) {
      event.since ??= this.#limits.now();
      if (rule.action !== 'disconnect') this.#expire(rule);
      else if (this.#agedOf(rule) !== -1) return this.#act('disconnect', event, rule);
    }
    while (!this.#fitsRule(event, rule)) {
      const helps = event.bytes <= (rule.maxBytes ?? event.bytes);
      const pushed = this.#act(this.#actionOf(rule, helps), event, rule);
      if (pushed !== 'kept') return pushed;
    }
    return 'kept';
  }

  #fitsRule(event: OutgoingEvent, rule: OverflowRule): boolean {
    const { maxEvents, maxBytes } = rule;
    const { events, bytes } = this.countOf(rule);
    return (
      (maxEvents === undefined || events < maxEvents) &&
      (maxBytes === undefined || bytes + event.bytes <= maxBytes)
    );
  }

  // DL-10: too much waits for the session.
  #overflow(event: OutgoingEvent, rule: OverflowRule | undefined): Pushed {
    const { maxQueueBytes, onOverflow } = this.#limits;
    // AK-9: sent events, which cannot be dropped, take all the room.
    if (this.counted === 0 && this.#reserved > 0) return this.#act('disconnect', event);
    if (rule !== undefined && rule.action !== 'conflate') {
      const others = this.countedBytes + this.#reservedBytes - this.countOf(rule).bytes;
      return this.#act(this.#actionOf(rule, others + event.bytes <= maxQueueBytes), event, rule);
    }
    const action = typeof onOverflow === 'function' ? onOverflow(event, this.#owner.session) : onOverflow;
    const isTooBig = action === 'dropOldest' && event.bytes > maxQueueBytes;
    return this.#act(isTooBig ? 'dropNewest' : action, event);
  }

  // The new event is dropped where dropping all others of the rule would not make room.
  #actionOf(rule: OverflowRule, helps: boolean): OverflowAction {
    if (rule.action === 'disconnect' || rule.action === 'dropNewest') return rule.action;
    return helps && this.countOf(rule).events > 0 ? 'dropOldest' : 'dropNewest';
  }

  #act(action: OverflowAction, event: OutgoingEvent, rule?: OverflowRule): Pushed {
    const oldest = action === 'dropOldest' ? this.remove(this.oldest(rule)) : undefined;
    const dropped = oldest ?? event;
    this.#owner.overflow(dropped, event, action, rule);
    if (action === 'disconnect') return 'full';
    // A client does not miss a volatile event.
    if (!dropped.volatile) {
      this.#gaps ??= new Gaps();
      this.#gaps.add(oldest === undefined ? 'behind' : 'ahead', dropped.channel, gapFor(dropped));
    }
    return oldest === undefined ? 'dropped' : 'kept';
  }

  #expire(rule: OverflowRule): void {
    this.#aging ??= new Set();
    this.#aging.add(rule);
    for (let at = this.#agedOf(rule); at !== -1; at = this.#agedOf(rule)) {
      const event = this.at(at);
      if (event !== undefined) this.#act('dropOldest', event, rule);
    }
  }

  // Index of the oldest event of the rule, if it has waited for too long; else -1.
  #agedOf(rule: OverflowRule): number {
    if (rule.maxAge === undefined) return -1;
    const oldest = this.oldest(rule);
    const since = this.at(oldest)?.since;
    return since !== undefined && this.#limits.now() - since > rule.maxAge ? oldest : -1;
  }

  // A newer event replaces this one. If this one would have reported a gap, another event reports it.
  #replace(index: number): void {
    const event = this.remove(index);
    if (event?.gap === undefined) return;
    this.#gaps ??= new Gaps();
    this.#reportLater(this.#gaps, new Map([[event.channel, event.gap]]), index);
  }

  // Lets the events from an index on report these gaps. If a channel has no such event, a later one reports its gap.
  #reportLater(gaps: Gaps, reported: Map<string, Gap>, from: number): void {
    this.reportGaps(reported, from);
    gaps.fallBehind(reported);
  }
}
