import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Clock } from '../../lib/clock.ts';

/** Events in the order in which they came. It never changes, so that all sessions that got the same ones have it in common. */
export class SharedRun {
  /** How many there are. */
  readonly size: number;
  /** Of all of them. */
  readonly bytes: number;
  /** The last one. */
  readonly event: OutgoingEvent | undefined;
  /** This run and one event more, while that is being delivered. */
  next: SharedRun | undefined;
  readonly #before: SharedRun | undefined;
  #events: readonly OutgoingEvent[] | undefined;

  constructor(before?: SharedRun, event?: OutgoingEvent) {
    this.size = before === undefined ? 0 : before.size + 1;
    this.bytes = before === undefined || event === undefined ? 0 : before.bytes + event.bytes;
    this.event = event;
    this.#before = before;
  }

  /** Oldest first. */
  get events(): readonly OutgoingEvent[] {
    this.#events ??= this.#collect();
    return this.#events;
  }

  #collect(): readonly OutgoingEvent[] {
    const events: OutgoingEvent[] = [];
    for (let run: SharedRun | undefined = this; run?.event !== undefined; run = run.#before)
      events.push(run.event);
    return events.reverse();
  }
}

/** The runs of one server. An event makes one of each run it is added to, however many sessions have that. */
export class SharedRuns {
  readonly empty = new SharedRun();
  readonly #clock: Clock;
  #continued: SharedRun[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The run, and this event behind it. */
  after(run: SharedRun, event: OutgoingEvent): SharedRun {
    const { next } = run;
    return next !== undefined && next.event === event ? next : this.#extend(run, event);
  }

  #extend(run: SharedRun, event: OutgoingEvent): SharedRun {
    if (this.#continued.length === 0) this.#clock.soon(this.#forget);
    if (run.next === undefined) this.#continued.push(run);
    const next = new SharedRun(run, event);
    run.next = next;
    return next;
  }

  // Who has a run is to keep alive what waits for it, and not what waits for others.
  readonly #forget = (): void => {
    for (const run of this.#continued) run.next = undefined;
    this.#continued = [];
  };
}
