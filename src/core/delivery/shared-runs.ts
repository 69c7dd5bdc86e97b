import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Clock } from '../../lib/clock.ts';

/** Events in the order in which they came. A run never changes, so that all sessions that received the same events share it. */
export class SharedRun {
  readonly size: number;
  readonly bytes: number;
  /** The newest event; undefined in the empty run. */
  readonly event: OutgoingEvent | undefined;
  /** This run and one event more, until the end of the turn in which that event is delivered. */
  next: SharedRun | undefined;
  readonly #before: SharedRun | undefined;
  #events: readonly OutgoingEvent[] | undefined;

  constructor(before?: SharedRun, event?: OutgoingEvent) {
    this.size = before === undefined ? 0 : before.size + 1;
    this.bytes = before === undefined || event === undefined ? 0 : before.bytes + event.bytes;
    this.event = event;
    this.#before = before;
  }

  /** Oldest first. Always the same array, by which a transport finds the shared frame. */
  get events(): readonly OutgoingEvent[] {
    if (this.#events !== undefined) return this.#events;
    const events: OutgoingEvent[] = [];
    for (let run: SharedRun | undefined = this; run?.event !== undefined; run = run.#before)
      events.push(run.event);
    this.#events = events.reverse();
    return this.#events;
  }
}

/** The runs of one server. An event makes one new run of each run that it is added to, however many sessions have that run. */
export class SharedRuns {
  readonly empty = new SharedRun();
  readonly #clock: Clock;
  #continued: SharedRun[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The run that has this event after all events of `run`. */
  after(run: SharedRun, event: OutgoingEvent): SharedRun {
    if (run.next !== undefined && run.next.event === event) return run.next;
    if (this.#continued.length === 0) this.#clock.soon(this.#forget);
    if (run.next === undefined) this.#continued.push(run);
    run.next = new SharedRun(run, event);
    return run.next;
  }

  // Drops the forward links, so that the run of one session does not keep the events of other sessions in memory.
  readonly #forget = (): void => {
    for (const run of this.#continued) run.next = undefined;
    this.#continued = [];
  };
}
