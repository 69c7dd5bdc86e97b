import type { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** Limits on the sent events that are kept for one session. */
export interface SentLimits {
  /** Events. */
  readonly maxQueue: number;
  /** Bytes. */
  readonly maxQueueBytes: number;
}

/** Events sent to one session that may not have arrived, oldest first. Past the limits, the oldest is dropped (DL-10). */
export class SentEvents {
  readonly #limits: SentLimits;
  #events: OutgoingEvent[] = [];
  #head = 0;
  #bytes = 0;
  #isWhole = true;
  // Index of the first event sent since the last connect reply.
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

  /** False once an event was dropped that might have had to be sent again. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Adds sent events. Volatile events are not kept. */
  add(events: readonly OutgoingEvent[]): void {
    for (const event of events) {
      if (event.volatile) continue;
      this.#events.push(event);
      this.#bytes += event.bytes;
    }
    const { maxQueue, maxQueueBytes } = this.#limits;
    while (this.size > maxQueue || this.#bytes > maxQueueBytes) {
      this.#isWhole = false;
      this.#shift();
    }
  }

  /** Notes that a connect reply follows the events. */
  reply(): void {
    this.#replied = this.#events.length;
  }

  /** Drops the events before the last connect reply: the reply has arrived. */
  confirm(): void {
    if (this.#replied === this.#events.length) this.#set([], 0);
    while (this.#head < this.#replied) this.#shift();
  }

  /** Removes events that did not leave. */
  remove(events: ReadonlySet<OutgoingEvent>): void {
    const isLeft = (event: OutgoingEvent): boolean => !events.has(event);
    const before = this.#events.slice(this.#head, this.#replied).filter(isLeft);
    const since = this.#events.slice(Math.max(this.#head, this.#replied)).filter(isLeft);
    this.#set([...before, ...since], before.length);
  }

  /** Removes and returns all events, oldest first. */
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

  // Frees the places before the head. Done rarely, since it moves all other events.
  #compact(): void {
    this.#events = this.#events.slice(this.#head);
    this.#replied = Math.max(0, this.#replied - this.#head);
    this.#head = 0;
  }
}
