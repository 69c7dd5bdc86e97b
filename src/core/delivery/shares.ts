import type { OutgoingEvent, OverflowRule } from '../../ports/outgoing-event.ts';

/** What waits of one rule. */
export interface Share {
  events: number;
  bytes: number;
  /** None of it stands before this index. */
  from: number;
}

const none: Readonly<Share> = { events: 0, bytes: 0, from: 0 };

/** What rules have to know of what waits for one session: how much there is of each, and where. */
export class Shares {
  readonly #shares = new Map<OverflowRule, Share>();
  // Of each kind that is conflated.
  #newest = new Map<string, number>();

  of(rule: OverflowRule | undefined): Readonly<Share> {
    return (rule === undefined ? undefined : this.#shares.get(rule)) ?? none;
  }

  /** Where the newest event of the kind stands; -1 when none does. */
  newest(key: string): number {
    return this.#newest.get(key) ?? -1;
  }

  add(event: OutgoingEvent, rule: OverflowRule, index: number): void {
    const share = this.#shares.get(rule) ?? { ...none, from: index };
    this.#shares.set(rule, share);
    share.events += 1;
    share.bytes += event.bytes;
    this.#newestIs(event, index);
  }

  remove({ bytes, key }: OutgoingEvent, rule: OverflowRule, index: number): void {
    const share = this.#shares.get(rule);
    if (share === undefined) return;
    share.events -= 1;
    share.bytes -= bytes;
    if (key !== undefined && this.#newest.get(key) === index) this.#newest.delete(key);
  }

  /** An event was made bigger. */
  grow(rule: OverflowRule, bytes: number): void {
    const share = this.#shares.get(rule);
    if (share !== undefined) share.bytes += bytes;
  }

  /** None of a rule stands before this index. */
  begin(rule: OverflowRule, index: number): void {
    const share = this.#shares.get(rule);
    if (share !== undefined) share.from = index;
  }

  /** Events stand elsewhere than before. */
  relocate(events: readonly OutgoingEvent[]): void {
    for (const share of this.#shares.values()) share.from = 0;
    this.#newest = new Map();
    for (const [index, event] of events.entries()) this.#newestIs(event, index);
  }

  clear(): void {
    this.#newest = new Map();
    for (const share of this.#shares.values()) Object.assign(share, none);
  }

  #newestIs({ key, replayed }: OutgoingEvent, index: number): void {
    if (key !== undefined && !replayed) this.#newest.set(key, index);
  }
}
