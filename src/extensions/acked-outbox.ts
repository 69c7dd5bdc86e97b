import type { Outbox, OutboxLimits, OutboxSnapshot, Pushed } from '../core/outbox.ts';
import type { Session } from '../core/session.ts';
import type { Reply } from '../protocol/message.ts';
import type { OutgoingEvent } from '../protocol/outgoing.ts';

/** From this batch on, seeing a batch means having seen all events before `end`, counted from the first event ever. */
interface Closing {
  readonly batch: number;
  readonly end: number;
}

/** What an acked outbox holds: also which of the events which batch brought. */
export interface AckedSnapshot extends OutboxSnapshot {
  /** How many events were acknowledged, and so are gone. */
  readonly gone: number;
  /** The last batch closed. */
  readonly batch: number;
  readonly closings: readonly Closing[];
}

/** How many are kept: past that, a client has long stopped listening to what it is sent. */
const MAX_CLOSINGS = 100;

/**
 * Keeps what was sent until a batch that brought it is acknowledged (AK-1 to AK-9).
 *
 *     gone │ a b c │ d e f │ g h
 *          │ sent  │ sent  │ never sent
 *          0       next    fresh           take() goes on at next; a connect puts next back to 0
 *
 * A batch is closed when its connect reply leaves, and stands for the events taken for that very reply: whoever saw the reply
 * saw them. One that could carry no events stands for none, so nothing unseen is ever acknowledged.
 */
export class AckedOutbox implements Outbox {
  readonly #limits: OutboxLimits;
  readonly #owner: Session;
  #stored: OutgoingEvent[] = [];
  #bytes = 0;
  #next = 0;
  #fresh = 0;
  // Those never sent that are not lazy.
  #urgent = 0;
  #gone = 0;
  #batch = 0;
  #closings: Closing[] = [];
  // Where the events for the reply that leaves now begin.
  #from: number | undefined;

  constructor(limits: OutboxLimits, owner: Session) {
    this.#limits = limits;
    this.#owner = owner;
  }

  get size(): number {
    return this.#stored.length - this.#next;
  }

  get pressing(): number {
    return this.#fresh - this.#next + this.#urgent;
  }

  // AK-9: what was sent counts, and to drop any would break what the client was promised.
  push(event: OutgoingEvent): Pushed {
    const { maxQueue, maxQueueBytes } = this.#limits;
    if (this.#stored.length >= maxQueue || this.#bytes + event.bytes > maxQueueBytes) {
      this.#limits.overflow(event, this.#owner, 'disconnect');
      return 'full';
    }
    this.#stored.push(event);
    this.#bytes += event.bytes;
    if (event.lazy === false) this.#urgent += 1;
    return 'kept';
  }

  take(maxBytes: number, maxCount: number): OutgoingEvent[] {
    this.#from ??= this.#next;
    const taken: OutgoingEvent[] = [];
    let bytes = 0;
    for (let at = this.#next; taken.length < maxCount; at += 1) {
      const event = this.#stored[at];
      if (event === undefined || (taken.length > 0 && bytes + event.bytes > maxBytes)) break;
      bytes += event.bytes;
      taken.push(event);
    }
    this.#advance(taken);
    return taken;
  }

  /** Finds nothing to return where a connect has already put everything back. */
  putBack(events: readonly OutgoingEvent[]): void {
    const [first] = events;
    const at = first === undefined ? -1 : this.#stored.indexOf(first);
    if (at !== -1 && at < this.#next) this.#next = at;
  }

  /** Drops what the client has when it has seen this batch; all that was sent and is left goes again (AK-4, AK-6). */
  acknowledge(seen: number): void {
    const end = this.#closings.findLast(({ batch }) => batch <= seen)?.end ?? 0;
    if (end > this.#gone) this.#drop(end - this.#gone);
    this.#next = 0;
  }

  /** Closes the batch that this reply ends (AK-2). */
  sign(reply: Reply): Reply {
    this.#batch += 1;
    this.#note(this.#gone + (this.#from === 0 ? this.#next : 0));
    this.#from = undefined;
    const ack = reply.channel === '/meta/connect' ? this.#batch : { enabled: true, batch: this.#batch };
    return { ...reply, ext: { ...reply.ext, ack } };
  }

  snapshot(): AckedSnapshot {
    return {
      events: this.#stored.map((event) => event.json),
      gone: this.#gone,
      batch: this.#batch,
      closings: this.#closings,
    };
  }

  #advance(taken: readonly OutgoingEvent[]): void {
    const end = this.#next + taken.length;
    for (let at = Math.max(this.#next, this.#fresh); at < end; at += 1) {
      if (this.#stored[at]?.lazy === false) this.#urgent -= 1;
    }
    this.#fresh = Math.max(this.#fresh, end);
    const kept = taken.filter((event) => !event.volatile);
    if (kept.length < taken.length) this.#forget(taken, kept);
    this.#next += kept.length;
  }

  // Volatile events are worth nothing later.
  #forget(taken: readonly OutgoingEvent[], kept: readonly OutgoingEvent[]): void {
    this.#stored.splice(this.#next, taken.length, ...kept);
    this.#fresh -= taken.length - kept.length;
    for (const event of taken) if (event.volatile) this.#bytes -= event.bytes;
  }

  #drop(count: number): void {
    for (const event of this.#stored.splice(0, count)) this.#bytes -= event.bytes;
    this.#fresh -= count;
    this.#gone += count;
    // The first one kept tells what any batch since then stands for; older batches stand for nothing that is left.
    while ((this.#closings[0]?.end ?? Number.POSITIVE_INFINITY) <= this.#gone) this.#closings.shift();
  }

  // A run of batches that stand for the same takes one place.
  #note(end: number): void {
    const last = this.#closings.at(-1)?.end ?? this.#gone;
    if (last === end) return;
    this.#closings.push({ batch: this.#batch, end });
    if (this.#closings.length > MAX_CLOSINGS) this.#closings.shift();
  }
}
