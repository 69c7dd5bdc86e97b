import type { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** How much of what was sent to one session is kept. */
export interface SentLimits {
  /** Events. */
  readonly maxQueue: number;
  /** Bytes. */
  readonly maxQueueBytes: number;
}

/** What was sent to one session and may not have arrived: oldest first. Where it is more than may wait, the oldest goes (DL-10). */
export class SentEvents {
  readonly #limits: SentLimits;
  #events: OutgoingEvent[] = [];
  #head = 0;
  #bytes = 0;
  #isWhole = true;
  // Where what was sent since the last connect reply begins.
  #replied = 0;

  constructor(limits: SentLimits) {
    this.#limits = limits;
  }

  get all(): readonly OutgoingEvent[] {
    return this.#events.slice(this.#head);
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  /** Whether none was ever let go that might have been needed. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** These were sent. Volatile ones are worth nothing later, but for what they tell of. */
  add(events: readonly OutgoingEvent[]): void {
    for (const event of events) {
      if (event.volatile && event.gap === undefined) continue;
      this.#events.push(event);
      this.#bytes += event.bytes;
    }
    const { maxQueue, maxQueueBytes } = this.#limits;
    while (this.size > maxQueue || this.#bytes > maxQueueBytes) {
      this.#isWhole = false;
      this.#shift();
    }
  }

  /** A connect reply follows them. */
  reply(): void {
    this.#replied = this.#events.length;
  }

  /** That reply has arrived, and so has all that went before it. */
  confirm(): void {
    if (this.#replied === this.#events.length) this.#set([], 0);
    while (this.#head < this.#replied) this.#shift();
  }

  /** These did not leave. */
  remove(events: ReadonlySet<OutgoingEvent>): void {
    const isLeft = (event: OutgoingEvent): boolean => !events.has(event);
    const before = this.#events.slice(this.#head, this.#replied).filter(isLeft);
    const since = this.#events.slice(Math.max(this.#head, this.#replied)).filter(isLeft);
    this.#set([...before, ...since], before.length);
  }

  /** Gives them all away, oldest first. */
  takeAll(): OutgoingEvent[] {
    const events = this.#events.slice(this.#head);
    this.#set([], 0);
    return events;
  }

  #set(events: OutgoingEvent[], replied: number): void {
    this.#events = events;
    this.#head = 0;
    this.#replied = replied;
    this.#bytes = events.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #shift(): void {
    this.#bytes -= this.#events[this.#head]?.bytes ?? 0;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) this.#compact();
  }

  // Lets go of what lies before the head, without moving the rest at every shift.
  #compact(): void {
    this.#events = this.#events.slice(this.#head);
    this.#replied = Math.max(0, this.#replied - this.#head);
    this.#head = 0;
  }
}
