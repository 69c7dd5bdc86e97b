import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { GapsByChannel } from '../../ports/gap.ts';
import type { Outbox, Pushed } from '../../ports/outbox.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { Repeat } from '../../ports/repeat.ts';
import type { SharedRun } from './shared-runs.ts';

/**
 * Events that were not sent yet. Most sessions need to know the order of their events and nothing else: then the outbox is one
 * reference to a run that sessions share. The outbox has a queue of its own while rules, limits, laziness or gaps count.
 */
export class PlainOutbox implements Outbox {
  // The run is empty where there is a queue.
  #run: SharedRun;
  #queue: BoundedQueue | undefined;
  // The queue counts them, too.
  #reserved = 0;
  #reservedBytes = 0;
  readonly #limits: OutboxLimits;
  readonly #owner: OutboxOwner;

  constructor(limits: OutboxLimits, owner: OutboxOwner) {
    this.#run = limits.runs.empty;
    this.#limits = limits;
    this.#owner = owner;
  }

  get size(): number {
    return this.#queue === undefined ? this.#run.size : this.#queue.size;
  }

  get bytes(): number {
    return this.#queue === undefined ? this.#run.bytes : this.#queue.bytes;
  }

  get urgent(): number {
    return this.#queue === undefined ? this.#run.size : this.#queue.urgent;
  }

  get all(): readonly OutgoingEvent[] {
    return this.#queue === undefined ? this.#run.events : this.#queue.all;
  }

  push(event: OutgoingEvent): Pushed {
    if (event.isPlain) {
      if (this.#queue?.size === 0 && this.#queue.isIdle) this.#queue = undefined;
      if (this.#queue === undefined) {
        const { runs, maxQueue, maxQueueBytes } = this.#limits;
        const run = runs.after(this.#run, event);
        if (run.size + this.#reserved <= maxQueue && run.bytes + this.#reservedBytes <= maxQueueBytes) {
          this.#run = run;
          return 'kept';
        }
      }
    }
    return (this.#queue ?? this.#startQueue()).push(event);
  }

  take(maxBytes: number, maxCount: number, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    if (this.#queue !== undefined) return this.#queue.take(maxBytes, maxCount, least);
    const { bytes, size, events } = this.#run;
    if (bytes + size > maxBytes || size > maxCount) return this.#startQueue().take(maxBytes, maxCount, least);
    this.#run = this.#limits.runs.empty;
    return events;
  }

  removeVolatile(): readonly OutgoingEvent[] {
    if (this.#queue !== undefined) return this.#queue.removeVolatile();
    const { events } = this.#run;
    const removed = events.filter(({ volatile }) => volatile);
    if (removed.length > 0) this.#setRun(events.filter(({ volatile }) => !volatile));
    return removed;
  }

  putBack(returned: readonly OutgoingEvent[], mayHaveArrived = false): void {
    const events = mayHaveArrived ? returned.map(Repeat.of) : returned;
    if (this.#queue !== undefined || !events.every(({ isPlain }) => isPlain)) {
      (this.#queue ?? this.#startQueue()).putBack(events);
    } else {
      this.#setRun([...events, ...this.#run.events]);
    }
  }

  get hasGaps(): boolean {
    return this.#queue?.hasGaps ?? false;
  }

  takeGaps(maxBytes: number): GapsByChannel {
    return this.#queue?.takeGaps(maxBytes) ?? new Map();
  }

  putBackGaps(gaps: GapsByChannel): void {
    this.#queue?.putBackGaps(gaps);
  }

  missed(): void {
    (this.#queue ?? this.#startQueue()).missed();
  }

  reserve(events: number, bytes: number): void {
    this.#reserved += events;
    this.#reservedBytes += bytes;
    this.#queue?.reserve(events, bytes);
  }

  #setRun(events: readonly OutgoingEvent[]): void {
    const { runs } = this.#limits;
    this.#run = events.reduce((run, event) => runs.after(run, event), runs.empty);
  }

  // The queue takes over what waits.
  #startQueue(): BoundedQueue {
    this.#queue = new BoundedQueue(this.#limits, this.#owner, this.#run.events);
    this.#queue.reserve(this.#reserved, this.#reservedBytes);
    this.#run = this.#limits.runs.empty;
    return this.#queue;
  }
}
