import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { GapsByChannel } from '../../ports/gap.ts';
import type { Outbox, Pushed } from '../../ports/outbox.ts';
import type { OutboxLimits, OutboxOwner } from './limits.ts';
import { Queue } from './queue.ts';
import { Repeat } from '../../ports/repeat.ts';
import type { SharedRun } from './shared-runs.ts';

/**
 * The plain outbox: an event is gone from it once it was taken and handed over whole. Mostly all that is to be known of events is
 * in which order they came: then they are a run, which sessions share. A queue of its own is kept for a session while more counts.
 */
export class PlainOutbox implements Outbox {
  readonly #limits: OutboxLimits;
  readonly #owner: OutboxOwner;
  // One of them is in use: the run is empty where there is a queue.
  #run: SharedRun;
  #queue: Queue | undefined;

  constructor(limits: OutboxLimits, owner: OutboxOwner) {
    this.#limits = limits;
    this.#owner = owner;
    this.#run = limits.runs.empty;
  }

  get size(): number {
    return this.#queue === undefined ? this.#run.size : this.#queue.size;
  }

  get urgent(): number {
    return this.#queue === undefined ? this.#run.size : this.#queue.urgent;
  }

  get all(): readonly OutgoingEvent[] {
    return this.#queue === undefined ? this.#run.events : this.#queue.all;
  }

  push(event: OutgoingEvent): Pushed {
    if (!this.#needsQueue(event)) {
      const { runs, maxQueue, maxQueueBytes } = this.#limits;
      const run = runs.after(this.#run, event);
      if (run.size <= maxQueue && run.bytes <= maxQueueBytes) {
        this.#run = run;
        return 'kept';
      }
    }
    return this.#queued.push(event);
  }

  take(maxBytes: number, maxCount: number, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    const { bytes, size } = this.#run;
    if (this.#queue === undefined && bytes + size <= maxBytes && size <= maxCount) return this.#takeRun();
    return this.#queued.take(maxBytes, maxCount, least);
  }

  putBack(returned: readonly OutgoingEvent[], mayHaveArrived = false): void {
    const events = mayHaveArrived ? returned.map(Repeat.of) : returned;
    if (this.#queue !== undefined || !events.every(isSimple)) this.#queued.putBack(events);
    else {
      const { runs } = this.#limits;
      const all = [...events, ...this.#run.events];
      this.#run = all.reduce((run, event) => runs.after(run, event), runs.empty);
    }
  }

  get hasGaps(): boolean {
    return this.#queue?.hasGaps ?? false;
  }

  takeGaps(maxBytes: number): GapsByChannel {
    return this.#queued.takeGaps(maxBytes);
  }

  putBackGaps(gaps: GapsByChannel): void {
    this.#queued.putBackGaps(gaps);
  }

  /** Takes so much more room from what may wait, or gives it back with negative numbers: for what was sent and is kept. */
  reserve(events: number, bytes: number): void {
    this.#queued.reserve(events, bytes);
  }

  // One that is idle is let go.
  #needsQueue(event: OutgoingEvent): boolean {
    if (!isSimple(event)) return true;
    if (this.#queue?.isIdle) this.#queue = undefined;
    return this.#queue !== undefined;
  }

  #takeRun(): readonly OutgoingEvent[] {
    const { events } = this.#run;
    this.#run = this.#limits.runs.empty;
    return events;
  }

  // What waits moves into it.
  get #queued(): Queue {
    this.#queue ??= new Queue(this.#limits, this.#owner, this.#takeRun());
    return this.#queue;
  }
}

function isSimple({ lazy, replayed, overflow, gap }: OutgoingEvent): boolean {
  return lazy === false && !replayed && overflow === undefined && gap === undefined;
}
