import type { Gap } from '../../ports/gap.ts';
import { OutgoingEvent, type OverflowRule } from '../../ports/outgoing-event.ts';
import { withGap } from './gaps.ts';

/** How many events of one overflow rule a queue holds. */
export interface RuleCount {
  events: number;
  bytes: number;
  /** No event of the rule has a lower index. */
  from: number;
}

const none: Readonly<RuleCount> = { events: 0, bytes: 0, from: 0 };

/** Stands in a slot whose event was removed. */
const hole = new OutgoingEvent({ channel: '' });

/**
 * Events in the order in which they leave, in the slots of an array. Taken and removed events leave empty slots, which are cut off
 * later, so that taking one event does not move all others. Counts by rule are kept from the first event on that has a rule.
 */
export class Queue {
  /** Events in the queue. Written, like the other counts, by the queue alone. */
  size = 0;
  /** Events that are worth answering a held connect for. */
  urgent = 0;
  /** Events that count towards limits; `replayed` events do not (RP-10). */
  counted = 0;
  countedBytes = 0;
  /** Of all events in the queue. */
  bytes = 0;
  #slots: OutgoingEvent[] = [];
  #head = 0;
  #holes = 0;
  // Events before this index were put back: they are urgent, lazy or not.
  #returned = 0;
  #counts: Map<OverflowRule, RuleCount> | undefined;
  // Index of the newest event by conflation key.
  #newest: Map<string, number> | undefined;

  /** Oldest first. */
  get all(): readonly OutgoingEvent[] {
    return this.#between(this.#head, this.#slots.length);
  }

  /** Whether any event with a rule was ever queued. */
  get hasRules(): boolean {
    return this.#counts !== undefined;
  }

  countOf(rule: OverflowRule): Readonly<RuleCount> {
    return this.#counts?.get(rule) ?? none;
  }

  at(index: number): OutgoingEvent | undefined {
    return this.#slots[index];
  }

  append(event: OutgoingEvent): void {
    const unused = this.#head + this.#holes;
    if (unused > 1024 && unused * 2 > this.#slots.length) this.#compact();
    this.#slots.push(event);
    if (event.lazy === false) this.urgent += 1;
    this.#count(event, this.#slots.length - 1);
  }

  /** Puts events in front of all others. They are urgent from now on. */
  prepend(events: readonly OutgoingEvent[]): void {
    this.#compact();
    this.#slots = [...events, ...this.#slots];
    this.#returned += events.length;
    this.urgent += events.length;
    for (const [index, event] of events.entries()) this.#count(event, index);
    this.#reindex();
  }

  /**
   * Takes the oldest events within both limits, each with a comma, and `least` of them, 0 or 1, however big. Where gaps are given, by
   * channel, the first event of a channel reports the gap, which is then removed from the map.
   */
  takeFirst(maxBytes: number, maxCount: number, least: number, gaps?: Map<string, Gap>): OutgoingEvent[] {
    if (gaps === undefined && this.bytes + this.size <= maxBytes && this.size <= maxCount) {
      return this.#takeAll();
    }
    const taken: OutgoingEvent[] = [];
    let bytes = 0;
    while (taken.length < maxCount) {
      if (gaps !== undefined) this.#reportAt(this.#head, gaps);
      const event = this.#slots[this.#head];
      if (event === undefined) break;
      bytes += event.bytes + 1;
      if (taken.length >= least && bytes > maxBytes) break;
      taken.push(event);
      this.remove(this.#head);
    }
    return taken;
  }

  /** Index of the oldest event that counts towards limits, of one rule or of all; -1 when there is none. */
  oldest(rule?: OverflowRule): number {
    const count = rule === undefined ? undefined : this.#counts?.get(rule);
    if (rule !== undefined && (count === undefined || count.events === 0)) return -1;
    for (let at = Math.max(this.#head, count?.from ?? 0); at < this.#slots.length; at += 1) {
      const event = this.#slots[at];
      if (event === undefined || event === hole || event.replayed) continue;
      if (rule !== undefined && event.overflow !== rule) continue;
      if (count !== undefined) count.from = at;
      return at;
    }
    return -1;
  }

  /** Index of the newest event with the same conflation key; -1 when there is none. */
  newest({ key, replayed }: OutgoingEvent): number {
    return key === undefined || replayed ? -1 : (this.#newest?.get(key) ?? -1);
  }

  remove(index: number): OutgoingEvent | undefined {
    const event = this.#slots[index];
    if (event === undefined || event === hole) return undefined;
    this.size -= 1;
    this.bytes -= event.bytes;
    if (event.lazy === false || index < this.#returned) this.urgent -= 1;
    if (!event.replayed) {
      this.counted -= 1;
      this.countedBytes -= event.bytes;
      if (event.overflow !== undefined) this.#uncount(event, event.overflow, index);
    }
    this.#slots[index] = hole;
    this.#holes += 1;
    while (this.#slots[this.#head] === hole) {
      this.#head += 1;
      this.#holes -= 1;
    }
    if (this.size === 0) this.#clear();
    return event;
  }

  removeVolatile(): OutgoingEvent[] {
    const removed: OutgoingEvent[] = [];
    for (let at = this.#head; at < this.#slots.length; at += 1) {
      const event = this.#slots[at]?.volatile === true ? this.remove(at) : undefined;
      if (event !== undefined) removed.push(event);
    }
    return removed;
  }

  /** Has the next event of each channel, from an index on, report the gap of the channel. Gaps of other channels stay in the map. */
  reportGaps(gaps: Map<string, Gap>, from: number): void {
    for (let at = Math.max(from, this.#head); at < this.#slots.length && gaps.size > 0; at += 1) {
      this.#reportAt(at, gaps);
    }
  }

  #takeAll(): OutgoingEvent[] {
    const isWhole = this.#head + this.#holes === 0;
    const taken = isWhole ? this.#slots : this.#between(this.#head, this.#slots.length);
    this.#clear();
    return taken;
  }

  #reportAt(index: number, gaps: Map<string, Gap>): void {
    const event = this.#slots[index];
    if (event === undefined || event.replayed || event.volatile) return;
    const { channel } = event;
    const gap = gaps.get(channel);
    if (gap === undefined) return;
    gaps.delete(channel);
    const reporting = withGap(event, gap);
    this.#slots[index] = reporting;
    const more = reporting.bytes - event.bytes;
    this.bytes += more;
    this.countedBytes += more;
    const count = event.overflow === undefined ? undefined : this.#counts?.get(event.overflow);
    if (count !== undefined) count.bytes += more;
  }

  #count(event: OutgoingEvent, index: number): void {
    this.size += 1;
    this.bytes += event.bytes;
    if (event.replayed) return;
    this.counted += 1;
    this.countedBytes += event.bytes;
    const rule = event.overflow;
    if (rule === undefined) return;
    this.#counts ??= new Map();
    const count = this.#counts.get(rule) ?? { ...none, from: index };
    this.#counts.set(rule, count);
    count.events += 1;
    count.bytes += event.bytes;
    if (event.key === undefined) return;
    this.#newest ??= new Map();
    this.#newest.set(event.key, index);
  }

  #uncount({ bytes, key }: OutgoingEvent, rule: OverflowRule, index: number): void {
    const count = this.#counts?.get(rule);
    if (count === undefined) return;
    count.events -= 1;
    count.bytes -= bytes;
    if (key !== undefined && this.#newest?.get(key) === index) this.#newest.delete(key);
  }

  // Cuts off the slots of taken events and closes holes.
  #compact(): void {
    const returned = this.#between(this.#head, this.#returned).length;
    this.#slots = this.#between(this.#head, this.#slots.length);
    this.#returned = returned;
    this.#head = 0;
    this.#holes = 0;
    this.#reindex();
  }

  // Events have other indexes than before.
  #reindex(): void {
    if (this.#counts === undefined) return;
    for (const count of this.#counts.values()) count.from = 0;
    if (this.#newest === undefined) return;
    this.#newest = new Map();
    for (const [index, { key, replayed }] of this.#slots.entries()) {
      if (key !== undefined && !replayed) this.#newest.set(key, index);
    }
  }

  #between(from: number, to: number): OutgoingEvent[] {
    const slots = this.#slots.slice(from, Math.max(from, to));
    return this.#holes === 0 ? slots : slots.filter((event) => event !== hole);
  }

  #clear(): void {
    this.size = 0;
    this.urgent = 0;
    this.counted = 0;
    this.countedBytes = 0;
    this.bytes = 0;
    this.#slots = [];
    this.#head = 0;
    this.#holes = 0;
    this.#returned = 0;
    if (this.#counts === undefined) return;
    if (this.#newest !== undefined) this.#newest = new Map();
    for (const count of this.#counts.values()) Object.assign(count, none);
  }
}
