import type { Clock, Timer } from '../../lib/clock.ts';
import type { Roster } from '../../ports/directory.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Delta } from './delta.ts';
import type { Perspective } from './perspective.ts';

/** A viewer gets one fresh snapshot in this time, however often it asks. Milliseconds. */
const PAUSE = 1000;

/** Events that a client may have to confirm before it gets the next page. */
const MAX_UNCONFIRMED = 10;

/** Events and changes that are kept for a viewer who has not got its snapshot; with more, the snapshot begins anew. */
const MAX_KEPT = 5000;

/** The parts of an audience that its views use. */
export interface ViewParts {
  readonly clock: Clock;
  /** Reads the roster and calls `open`, at once or later. */
  read(view: View, round: number): void;
  /** Has all views asked again for a number to tell: this one could not answer yet. */
  tellAgain(): void;
  /** Queues an event for one session. */
  deliver(session: ServedSession, event: OutgoingEvent): void;
}

/**
 * One session that views a roster. A view reads the roster, then sends the pages of the snapshot, each when the one before has
 * left. Changes that come meanwhile wait behind them; without any that wait, changes are told at once.
 */
export class View {
  readonly session: ServedSession;
  readonly perspective: Perspective;
  readonly #parts: ViewParts;
  #seq = -1;
  // Undefined unless the roster is being read.
  #missed: Delta[] | undefined;
  #waiting: OutgoingEvent[] = [];
  // The number of reads: only the last one counts.
  #round = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(session: ServedSession, perspective: Perspective, parts: ViewParts) {
    this.session = session;
    this.perspective = perspective;
    this.#parts = parts;
  }

  /** Asks for a fresh snapshot. It comes at once, or when the pause since the last one is over. */
  refresh(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const now = this.#parts.clock.now();
    const left = this.#askedAt + PAUSE - now;
    if (left > 0) {
      this.#timer = this.#parts.clock.after(left, () => {
        this.#timer = undefined;
        this.refresh();
      });
      return;
    }
    this.#askedAt = now;
    this.#missed = [];
    this.#waiting = [];
    this.#round += 1;
    this.#parts.read(this, this.#round);
  }

  /** The roster was read. */
  open(roster: Roster, round: number): void {
    const missed = this.#missed;
    if (missed === undefined || round !== this.#round || this.#isClosed) return;
    this.#missed = undefined;
    this.#seq = roster.seq;
    const [first, ...rest] = this.perspective.open(roster);
    this.#waiting = rest;
    if (first !== undefined) this.#parts.deliver(this.session, first);
    for (const delta of missed) {
      const event = this.take(delta);
      if (event !== undefined) this.#parts.deliver(this.session, event);
    }
  }

  /** Takes the next change. Returns the event to send now, if any. */
  take(delta: Delta): OutgoingEvent | undefined {
    if (this.#missed !== undefined) {
      this.#missed.push(delta);
      if (this.#missed.length > MAX_KEPT) this.#beginAnew();
      return undefined;
    }
    if (delta.change.seq <= this.#seq) return undefined;
    this.#seq = delta.change.seq;
    return this.#pass(this.perspective.after(delta));
  }

  /** The event that tells the number, if the viewer has to be told and gets that alone. */
  due(): OutgoingEvent | undefined {
    if (this.#missed === undefined) return this.#pass(this.perspective.due?.());
    this.#parts.tellAgain();
    return undefined;
  }

  /** Sends what waits, a page at a time, when nothing else waits for the session. */
  more(): void {
    while (this.#waiting.length > 0 && this.#hasRoom) {
      const [next] = this.#waiting.splice(0, 1);
      if (next !== undefined) this.#parts.deliver(this.session, next);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#waiting = [];
    this.#missed = undefined;
    this.perspective.close?.();
  }

  // True when no page waits, and few sent ones wait for the client to confirm them (AK-4).
  get #hasRoom(): boolean {
    const { urgent, kept = 0 } = this.session.outbox;
    return urgent === 0 && kept < MAX_UNCONFIRMED;
  }

  // An event waits behind the pages of the snapshot.
  #pass(event: OutgoingEvent | undefined): OutgoingEvent | undefined {
    if (event === undefined || this.#waiting.length === 0) return event;
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_KEPT) this.#beginAnew();
    return undefined;
  }

  #beginAnew(): void {
    this.#round += 1;
    this.#missed = [];
    this.#waiting = [];
    this.refresh();
  }
}
