import type { Gap } from '../../ports/gap.ts';
import type { OutgoingEvent, OverflowRule } from '../../ports/outgoing-event.ts';
import { Gaps, gapFor } from './gaps.ts';
import type { OverflowAction, Pushed } from '../../ports/outbox.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import type { Waiting } from './waiting.ts';

/** The room there is for what waits for one session: makes more, if need be, as a channel's rule or the server says. */
export class Room {
  /** What was dropped and nobody was told of yet; undefined until something is. */
  gaps: Gaps | undefined;
  readonly #waiting: Waiting;
  readonly #limits: OutboxLimits;
  readonly #owner: OutboxOwner;
  // ChannelRules whose events are dropped when they have waited for too long.
  #aging: Set<OverflowRule> | undefined;
  #reserved = 0;
  #reservedBytes = 0;

  constructor(waiting: Waiting, limits: OutboxLimits, owner: OutboxOwner) {
    this.#waiting = waiting;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** Whether there is as much as the server's limits say, and nothing to be told or watched. */
  get isIdle(): boolean {
    return this.gaps === undefined && this.#aging === undefined && this.#reserved === 0;
  }

  /** Takes so much away from it, or gives it back with negative numbers. */
  reserve(events: number, bytes: number): void {
    this.#reserved += events;
    this.#reservedBytes += bytes;
  }

  /** Whether an event may be queued; there is room for it then. */
  admit(event: OutgoingEvent): Pushed {
    if (event.replayed) return 'kept';
    const { overflow: rule } = event;
    // Who reads fast loses nothing because much comes in one turn.
    if (!this.#fits(event) || (rule !== undefined && !this.#fitsRule(event, rule))) this.#owner.flushEarly();
    if (rule !== undefined) {
      const pushed = this.#admitByRule(event, rule);
      if (pushed !== 'kept') return pushed;
    }
    while (!this.#fits(event)) {
      const pushed = this.#overflow(event, rule);
      if (pushed !== 'kept') return pushed;
    }
    return 'kept';
  }

  /** Drops what has waited for too long. */
  expire(): void {
    if (this.#aging !== undefined) for (const rule of this.#aging) this.#expire(rule);
  }

  /** Drops an event that a newer one takes the place of: nobody misses it, but what it would have told of. */
  replace(index: number): void {
    const event = this.#waiting.at(index);
    this.#waiting.remove(index);
    if (event?.gap !== undefined) this.#pass(new Map([[event.channel, event.gap]]), index);
  }

  /** Puts gaps on the events they come before: others are about to be put in front. */
  settleGaps(): void {
    if (this.gaps !== undefined) this.#pass(this.gaps.ahead);
  }

  #fits(event: OutgoingEvent): boolean {
    const { maxQueue, maxQueueBytes } = this.#limits;
    const waiting = this.#waiting;
    return (
      waiting.events + this.#reserved < maxQueue &&
      waiting.bytes + this.#reservedBytes + event.bytes <= maxQueueBytes
    );
  }

  #admitByRule(event: OutgoingEvent, rule: OverflowRule): Pushed {
    const older = this.#waiting.newest(event);
    if (older !== -1) this.replace(older);
    if (rule.maxAge !== undefined) {
      event.since ??= this.#limits.now();
      if (rule.action !== 'disconnect') this.#expire(rule);
      else if (this.#oldestIsAged(rule)) return this.#act('disconnect', event, rule);
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
    const { events, bytes } = this.#waiting.of(rule);
    return (
      (maxEvents === undefined || events < maxEvents) &&
      (maxBytes === undefined || bytes + event.bytes <= maxBytes)
    );
  }

  // DL-10: too much waits for the session.
  #overflow(event: OutgoingEvent, rule: OverflowRule | undefined): Pushed {
    const { maxQueueBytes } = this.#limits;
    const waiting = this.#waiting;
    // AK-9: what stands in the way was sent, and may not be dropped.
    if (waiting.events === 0 && this.#reserved > 0) return this.#act('disconnect', event);
    if (rule !== undefined && rule.action !== 'conflate') {
      const others = waiting.bytes + this.#reservedBytes - waiting.of(rule).bytes;
      return this.#act(this.#actionOf(rule, others + event.bytes <= maxQueueBytes), event, rule);
    }
    const action = this.#owner.overflow(event);
    const isTooBig = action === 'dropOldest' && event.bytes > maxQueueBytes;
    return this.#carryOut(isTooBig ? 'dropNewest' : action, event);
  }

  // Where dropping all that waits of the rule would not help, the new one goes.
  #actionOf(rule: OverflowRule, helps: boolean): OverflowAction {
    if (rule.action === 'disconnect' || rule.action === 'dropNewest') return rule.action;
    return helps && this.#waiting.of(rule).events > 0 ? 'dropOldest' : 'dropNewest';
  }

  #act(action: OverflowAction, event: OutgoingEvent, rule?: OverflowRule): Pushed {
    this.#owner.overflow(event, action, rule);
    return this.#carryOut(action, event, rule);
  }

  #carryOut(action: OverflowAction, event: OutgoingEvent, rule?: OverflowRule): Pushed {
    if (action === 'disconnect') return 'full';
    const oldest = action === 'dropOldest' ? this.#waiting.oldest(rule) : -1;
    if (oldest === -1) {
      this.#gapsMade.addBehind(event.channel, gapFor(event));
      return 'dropped';
    }
    this.#drop(oldest);
    return 'kept';
  }

  #drop(index: number): void {
    const event = this.#waiting.at(index);
    if (event === undefined) return;
    this.#waiting.remove(index);
    this.#gapsMade.addAhead(event.channel, gapFor(event));
  }

  #expire(rule: OverflowRule): void {
    this.#aging ??= new Set();
    this.#aging.add(rule);
    while (this.#oldestIsAged(rule)) {
      const event = this.#waiting.at(this.#waiting.oldest(rule));
      if (event !== undefined) this.#owner.overflow(event, 'dropOldest', rule);
      this.#drop(this.#waiting.oldest(rule));
    }
  }

  #oldestIsAged(rule: OverflowRule): boolean {
    if (rule.maxAge === undefined) return false;
    const since = this.#waiting.at(this.#waiting.oldest(rule))?.since;
    return since !== undefined && this.#limits.now() - since > rule.maxAge;
  }

  // Has the events from there on tell of gaps, or those still to come.
  #pass(gaps: Map<string, Gap>, from = 0): void {
    this.#waiting.tell(gaps, from);
    this.#gapsMade.fallBehind(gaps);
  }

  get #gapsMade(): Gaps {
    this.gaps ??= new Gaps();
    return this.gaps;
  }
}
