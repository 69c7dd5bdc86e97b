import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { GapsByChannel } from '../../ports/gap.ts';
import type { Pushed } from '../../ports/outbox.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import { Room } from './room.ts';
import { Waiting } from './waiting.ts';

/**
 * What waits for one session where more counts than its order: rules, bounds that were reached, laziness, what was sent already. What
 * it drops it tells of: by the next event of the channel, or where nothing waits any more by the next connect reply.
 */
export class Queue {
  readonly #waiting = new Waiting();
  readonly #room: Room;
  #isPushing = false;

  constructor(limits: OutboxLimits, owner: OutboxOwner, events: readonly OutgoingEvent[]) {
    this.#room = new Room(this.#waiting, limits, owner);
    for (const event of events) this.#waiting.push(event);
  }

  get size(): number {
    return this.#waiting.size;
  }

  get urgent(): number {
    return this.#waiting.urgent;
  }

  get all(): readonly OutgoingEvent[] {
    return this.#waiting.all;
  }

  /** Whether it holds nothing, and knows of nothing that what comes next would have to heed. */
  get isIdle(): boolean {
    return !this.#isPushing && this.#waiting.isIdle && this.#room.isIdle;
  }

  push(event: OutgoingEvent): Pushed {
    // To make room, what waits may be sent, and that may bring more.
    this.#isPushing = true;
    const pushed = this.#room.admit(event);
    if (pushed === 'kept') this.#waiting.push(this.#room.gaps?.carriedBy(event) ?? event);
    this.#isPushing = false;
    return pushed;
  }

  /** With `least` 0 nothing rather than one event that is too big. */
  take(maxBytes: number, maxCount: number, least: 0 | 1): OutgoingEvent[] {
    this.#room.expire();
    const ahead = this.#room.gaps?.ahead;
    return this.#waiting.take(maxBytes, maxCount, least, ahead?.size === 0 ? undefined : ahead);
  }

  putBack(events: readonly OutgoingEvent[]): void {
    this.#room.settleGaps();
    this.#waiting.putBack(events);
    for (const [index, event] of events.entries()) {
      if (this.#waiting.newest(event) > index) this.#room.replace(index);
    }
  }

  get hasGaps(): boolean {
    return this.#room.gaps?.isDue(this.size === 0) ?? false;
  }

  takeGaps(maxBytes: number): GapsByChannel {
    return this.#room.gaps?.take(this.size === 0, maxBytes) ?? new Map();
  }

  putBackGaps(gaps: GapsByChannel): void {
    this.#room.gaps?.putBack(gaps);
  }

  /** Takes so much more room from what may wait, or gives it back with negative numbers: for what was sent and is kept. */
  reserve(events: number, bytes: number): void {
    this.#room.reserve(events, bytes);
  }
}
