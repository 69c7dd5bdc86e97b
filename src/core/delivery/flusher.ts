import type { Clock, Timer } from '../../lib/clock.ts';
import type { Histogram } from '../../lib/histogram.ts';
import type { Conduit } from '../../ports/conduit.ts';

/** A turn that spent at least this long on polls is followed by a pause. Milliseconds. */
const PAUSE_FROM = 1;
const LONGEST_PAUSE = 10;

/** The part of a session that a flusher needs. */
export interface Flushed {
  /** The socket or stream that events are pushed to; undefined if they go with connect replies. */
  readonly way: Conduit | undefined;
  /** Has the session flushed at the end of this turn. */
  schedule(): void;
  flush(): void;
}

/** Sessions whose events wait for others. */
interface Delayed {
  readonly sessions: Set<Flushed>;
  readonly timer: Timer;
}

/** Collects answers while more input is read, and writes them at the end of the turn. */
export interface DeferredWrite {
  /** Never throws. */
  writeDeferred(): void;
}

/**
 * Runs at the end of a turn of the event loop, when all input of the turn was read. Writes answers, then flushes
 * each session once, however many events were queued for it. An answer written between two reads would wake
 * its peer each time.
 *
 * Answering a poll costs the client another request. If a turn spent 1 ms or more on polls, poll answers pause for as long again (10 ms
 * at most), so that events published meanwhile share one response. A shorter turn is followed by no pause.
 */
export class Flusher {
  readonly #clock: Clock;
  readonly #times: Histogram;
  // When the first event was queued that is not flushed yet.
  #queuedAt: number | undefined;
  #isEnding = false;
  #writes: DeferredWrite[] = [];
  #sessions: Flushed[] = [];
  // Sessions that poll and were due in a pause.
  #paused: Flushed[] = [];
  #pause: Timer | undefined;
  // By the delay in milliseconds.
  readonly #delayed = new Map<number, Delayed>();
  // When the first poll was answered, in this turn or at the end of the turn before.
  #pollsBegan: number | undefined;

  /** `times` gets the times from the first event of a turn to the end of its flush. */
  constructor(clock: Clock, times: Histogram) {
    this.#clock = clock;
    this.#times = times;
  }

  /** An event is about to be queued to sessions. */
  queued(): void {
    if (this.#queuedAt !== undefined) return;
    this.#queuedAt = this.#clock.now();
    this.#awaitEnd();
  }

  /** Flushes the session at the end of this turn. The session must not be added twice. */
  add(session: Flushed): void {
    this.#sessions.push(session);
    this.#awaitEnd();
  }

  /**
   * Has the session scheduled within so many milliseconds. All sessions with one delay share its timer, so that those with the same events
   * are flushed in one turn.
   */
  addWithin(session: Flushed, delay: number): void {
    const delayed = this.#delayed.get(delay);
    if (delayed !== undefined) {
      delayed.sessions.add(session);
      return;
    }
    const sessions = new Set([session]);
    const timer = this.#clock.after(delay, () => {
      this.#delayed.delete(delay);
      for (const one of sessions) one.schedule();
    });
    this.#delayed.set(delay, { sessions, timer });
  }

  /** No delay runs for the session any more: it has gone. */
  forget(session: Flushed): void {
    for (const [delay, { sessions, timer }] of this.#delayed) {
      if (!sessions.delete(session) || sessions.size > 0) continue;
      timer.cancel();
      this.#delayed.delete(delay);
    }
  }

  writeAtTurnEnd(write: DeferredWrite): void {
    this.#writes.push(write);
    this.#awaitEnd();
  }

  /** Whether a poll may be answered now. If not, it is held, and flushed after the pause. */
  mayAnswer(): boolean {
    if (this.#pause !== undefined) return false;
    this.#pollsBegan ??= this.#clock.now();
    this.#awaitEnd();
    return true;
  }

  /** Flushes at once the sessions whose events wait for others. */
  endDelays(): void {
    const all = [...this.#delayed.values()];
    this.#delayed.clear();
    for (const { sessions, timer } of all) {
      timer.cancel();
      for (const session of sessions) session.flush();
    }
  }

  /** Ends the pause: the server closes. */
  stop(): void {
    this.#pause?.cancel();
    this.#pollsBegan = undefined;
  }

  #awaitEnd(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#clock.soon(this.#end);
  }

  readonly #end = (): void => {
    this.#isEnding = false;
    const began = this.#pollsBegan;
    const writes = this.#writes;
    this.#writes = [];
    for (const write of writes) write.writeDeferred();
    const sessions = this.#sessions;
    this.#sessions = [];
    for (const session of sessions) {
      if (session.way !== undefined || this.mayAnswer()) session.flush();
      else this.#paused.push(session);
    }
    if (this.#queuedAt !== undefined) this.#noteFlush(this.#queuedAt);
    // Polls answered only now are measured next time, together with the requests that their answers bring.
    if (began !== undefined) this.#pauseAfter(this.#clock.now() - began);
  };

  #pauseAfter(spent: number): void {
    this.#pollsBegan = undefined;
    if (spent < PAUSE_FROM) return;
    this.#pause = this.#clock.after(Math.min(spent, LONGEST_PAUSE), this.#resume);
  }

  readonly #resume = (): void => {
    this.#pause = undefined;
    const sessions = this.#paused;
    this.#paused = [];
    for (const session of sessions) if (this.mayAnswer()) session.flush();
    if (this.#queuedAt !== undefined) this.#noteFlush(this.#queuedAt);
  };

  #noteFlush(queuedAt: number): void {
    if (this.#paused.length > 0) return;
    this.#times.add(this.#clock.now() - queuedAt);
    this.#queuedAt = undefined;
  }
}
