import type { Reply } from '../protocol/message.ts';
import type { OutgoingEvent } from '../protocol/outgoing.ts';
import type { Session } from './session.ts';

/** What an outbox holds, as plain values: a session may move to another node. */
export interface OutboxSnapshot {
  /** JSON texts, oldest first. */
  readonly events: readonly string[];
}

/** What became of a pushed event; `full` means that the session has to go (DL-10). */
export type Pushed = 'kept' | 'dropped' | 'full';

/** What waits for one session. First in, first out. */
export interface Outbox {
  /** Events waiting. */
  readonly size: number;
  /** Events waiting that are worth waking a held connect for. */
  readonly pressing: number;
  push(event: OutgoingEvent): Pushed;
  /** The oldest events, in order, within both limits, and at least one if there is any (DL-11). */
  take(maxBytes: number, maxCount: number): OutgoingEvent[];
  /** Returns events to the head, in order: what was taken and not handed over whole (DL-8). They press. */
  putBack(events: readonly OutgoingEvent[]): void;
  snapshot(): OutboxSnapshot;
  /** A connect reply, or that of a handshake that brings events, made to say what was taken for it; absent where it says nothing. */
  sign?(reply: Reply): Reply;
}

/** What happens when an event does not fit. */
export type OverflowAction = 'disconnect' | 'dropOldest' | 'dropNewest';

/** How much may wait for one session (DL-10). */
export interface OutboxLimits {
  /** Events. */
  readonly maxQueue: number;
  /** Bytes. */
  readonly maxQueueBytes: number;
  /** Asked each time an event does not fit; or only told, where there is no choice. */
  overflow(event: OutgoingEvent, session: Session, forced?: OverflowAction): OverflowAction;
}

/** The plain outbox: an event is gone from it once it was taken and handed over whole. */
export class PlainOutbox implements Outbox {
  readonly #limits: OutboxLimits;
  readonly #owner: Session;
  #queue: OutgoingEvent[] = [];
  #head = 0;
  #bytes = 0;
  #pressing = 0;
  // How many at the head were put back: they press, lazy or not.
  #returned = 0;

  constructor(limits: OutboxLimits, owner: Session) {
    this.#limits = limits;
    this.#owner = owner;
  }

  get size(): number {
    return this.#queue.length - this.#head;
  }

  get pressing(): number {
    return this.#pressing;
  }

  push(event: OutgoingEvent): Pushed {
    while (!this.#fits(event)) {
      const action = this.#limits.overflow(event, this.#owner);
      if (action === 'disconnect') return 'full';
      if (action === 'dropNewest' || event.bytes > this.#limits.maxQueueBytes) return 'dropped';
      this.#shift();
    }
    this.#queue.push(event);
    this.#bytes += event.bytes;
    if (event.lazy === false) this.#pressing += 1;
    return 'kept';
  }

  take(maxBytes: number, maxCount: number): OutgoingEvent[] {
    const all = this.#bytes <= maxBytes && this.size <= maxCount;
    return all ? this.#takeAll() : this.#takeSome(maxBytes, maxCount);
  }

  putBack(events: readonly OutgoingEvent[]): void {
    this.#queue = [...events, ...this.#queue.slice(this.#head)];
    this.#head = 0;
    this.#pressing += events.length;
    this.#returned += events.length;
    for (const event of events) this.#bytes += event.bytes;
  }

  snapshot(): OutboxSnapshot {
    return { events: this.#queue.slice(this.#head).map((event) => event.json) };
  }

  #fits(event: OutgoingEvent): boolean {
    return this.size < this.#limits.maxQueue && this.#bytes + event.bytes <= this.#limits.maxQueueBytes;
  }

  #takeAll(): OutgoingEvent[] {
    const taken = this.#head === 0 ? this.#queue : this.#queue.slice(this.#head);
    this.#clear();
    return taken;
  }

  #takeSome(maxBytes: number, maxCount: number): OutgoingEvent[] {
    const taken: OutgoingEvent[] = [];
    let bytes = 0;
    while (taken.length < maxCount) {
      const next = this.#queue[this.#head];
      if (next === undefined || (taken.length > 0 && bytes + next.bytes > maxBytes)) break;
      bytes += next.bytes;
      taken.push(next);
      this.#shift();
    }
    return taken;
  }

  #shift(): void {
    const event = this.#queue[this.#head];
    if (event === undefined) return;
    this.#head += 1;
    this.#bytes -= event.bytes;
    if (event.lazy === false || this.#returned > 0) this.#pressing -= 1;
    if (this.#returned > 0) this.#returned -= 1;
    if (this.size === 0) this.#clear();
    else if (this.#head > 1024 && this.#head * 2 > this.#queue.length) this.#compact();
  }

  // Keeps what was taken from being held by the array, without moving it at every shift.
  #compact(): void {
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  #clear(): void {
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#pressing = 0;
    this.#returned = 0;
  }
}
