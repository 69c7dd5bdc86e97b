import type { Gap } from '../../ports/gap.ts';
import { OutgoingEvent, type OverflowRule } from '../../ports/outgoing-event.ts';
import { withGap } from './gaps.ts';
import { type Share, Shares } from './shares.ts';

const hole = new OutgoingEvent({ channel: '' });
const nothing: Readonly<Share> = { events: 0, bytes: 0, from: 0 };

/**
 * Events in the order they are to leave: an array and where it begins. Where all is taken, the array itself is given away. What
 * rules have to know is kept from their first event on.
 */
export class Waiting {
  #slots: OutgoingEvent[] = [];
  #head = 0;
  #holes = 0;
  #bytes = 0;
  #urgent = 0;
  // Those before this index were put back: they press, lazy or not.
  #returned = 0;
  // Those that are `replayed` count towards no bound (RP-10).
  #free = 0;
  #freeBytes = 0;
  #shares: Shares | undefined;

  get size(): number {
    return this.#slots.length - this.#head - this.#holes;
  }

  /** Oldest first. */
  get all(): readonly OutgoingEvent[] {
    return this.#live(this.#head, this.#slots.length);
  }

  /** Whether nothing waits, nor ever did that rules have to know of. */
  get isIdle(): boolean {
    return this.size === 0 && this.#shares === undefined;
  }

  /** Those that are worth waking a held connect for. */
  get urgent(): number {
    return this.#urgent;
  }

  /** Those that count towards bounds. */
  get events(): number {
    return this.size - this.#free;
  }

  /** Of those. */
  get bytes(): number {
    return this.#bytes - this.#freeBytes;
  }

  /** How much of a rule waits. */
  of(rule: OverflowRule): Readonly<Share> {
    return this.#shares?.of(rule) ?? nothing;
  }

  at(index: number): OutgoingEvent | undefined {
    return this.#slots[index];
  }

  push(event: OutgoingEvent): void {
    const wasted = this.#head + this.#holes;
    if (wasted > 1024 && wasted * 2 > this.#slots.length) this.#compact();
    this.#slots.push(event);
    this.#bytes += event.bytes;
    if (event.lazy === false) this.#urgent += 1;
    this.#add(event, this.#slots.length - 1);
  }

  /**
   * The oldest, within both limits, each with a comma; but `least` of them, 0 or 1, however big. Where gaps are given, by channel, the first event
   * of a channel tells of its gap, and the gap is gone from the map.
   */
  take(maxBytes: number, maxCount: number, least: number, gaps?: Map<string, Gap>): OutgoingEvent[] {
    const all = gaps === undefined && this.#bytes + this.size <= maxBytes && this.size <= maxCount;
    return all ? this.#takeAll() : this.#takeSome(maxBytes, maxCount, least, gaps);
  }

  /** Puts events back at the head. They press from now on. */
  putBack(events: readonly OutgoingEvent[]): void {
    this.#compact();
    this.#slots = [...events, ...this.#slots];
    this.#returned += events.length;
    this.#urgent += events.length;
    for (const [index, event] of events.entries()) {
      this.#bytes += event.bytes;
      this.#add(event, index);
    }
    this.#shares?.relocate(this.#slots);
  }

  /** Where the oldest stands that counts towards bounds, of a rule or of all; -1 when there is none. */
  oldest(rule?: OverflowRule): number {
    const share = this.#shares?.of(rule) ?? nothing;
    if (rule !== undefined && share.events === 0) return -1;
    for (let at = Math.max(this.#head, share.from); at < this.#slots.length; at += 1) {
      const event = this.#slots[at];
      if (event === undefined || event === hole || event.replayed) continue;
      if (rule !== undefined && event.overflow !== rule) continue;
      if (rule !== undefined) this.#shares?.begin(rule, at);
      return at;
    }
    return -1;
  }

  /** Where the newest stands that is a version of the same thing; -1 when there is none. */
  newest({ key, replayed }: OutgoingEvent): number {
    return key === undefined || replayed ? -1 : (this.#shares?.newest(key) ?? -1);
  }

  /** Takes one out of the middle. */
  remove(index: number): void {
    const event = this.#slots[index];
    if (event === undefined || event === hole) return;
    this.#bytes -= event.bytes;
    if (event.lazy === false || index < this.#returned) this.#urgent -= 1;
    if (event.replayed) this.#setFree(-1, -event.bytes);
    else if (event.overflow !== undefined) this.#shares?.remove(event, event.overflow, index);
    this.#slots[index] = hole;
    this.#holes += 1;
    while (this.#slots[this.#head] === hole) {
      this.#head += 1;
      this.#holes -= 1;
    }
    if (this.size === 0) this.#clear();
  }

  /** Has the next event of each of these channels, from an index on, tell of its gap; those of channels with none stay in the map. */
  tell(gaps: Map<string, Gap>, from: number): void {
    for (let at = Math.max(from, this.#head); at < this.#slots.length && gaps.size > 0; at += 1) {
      this.#tellAt(at, gaps);
    }
  }

  #takeAll(): OutgoingEvent[] {
    const isWhole = this.#head + this.#holes === 0;
    const taken = isWhole ? this.#slots : this.#live(this.#head, this.#slots.length);
    this.#clear();
    return taken;
  }

  #takeSome(maxBytes: number, maxCount: number, least: number, gaps?: Map<string, Gap>): OutgoingEvent[] {
    const taken: OutgoingEvent[] = [];
    let bytes = 0;
    while (taken.length < maxCount) {
      if (gaps !== undefined) this.#tellAt(this.#head, gaps);
      const event = this.#slots[this.#head];
      if (event === undefined) break;
      bytes += event.bytes + 1;
      if (taken.length >= least && bytes > maxBytes) break;
      taken.push(event);
      this.remove(this.#head);
    }
    return taken;
  }

  #tellAt(index: number, gaps: Map<string, Gap>): void {
    const event = this.#slots[index];
    if (event === undefined || event.replayed) return;
    const { channel } = event;
    const gap = gaps.get(channel);
    if (gap === undefined) return;
    gaps.delete(channel);
    const telling = withGap(event, gap);
    this.#slots[index] = telling;
    const more = telling.bytes - event.bytes;
    this.#bytes += more;
    if (event.overflow !== undefined) this.#shares?.grow(event.overflow, more);
  }

  #add(event: OutgoingEvent, index: number): void {
    if (event.replayed) this.#setFree(1, event.bytes);
    else if (event.overflow !== undefined) {
      this.#shares ??= new Shares();
      this.#shares.add(event, event.overflow, index);
    }
  }

  #setFree(events: number, bytes: number): void {
    this.#free += events;
    this.#freeBytes += bytes;
  }

  // Lets go of what was taken, without moving the rest at every event.
  #compact(): void {
    const returned = this.#live(this.#head, this.#returned).length;
    this.#slots = this.#live(this.#head, this.#slots.length);
    this.#returned = returned;
    this.#head = 0;
    this.#holes = 0;
    this.#shares?.relocate(this.#slots);
  }

  #live(from: number, to: number): OutgoingEvent[] {
    const slots = this.#slots.slice(from, Math.max(from, to));
    return this.#holes === 0 ? slots : slots.filter((event) => event !== hole);
  }

  #clear(): void {
    this.#slots = [];
    this.#head = 0;
    this.#holes = 0;
    this.#bytes = 0;
    this.#urgent = 0;
    this.#returned = 0;
    this.#free = 0;
    this.#freeBytes = 0;
    this.#shares?.clear();
  }
}
