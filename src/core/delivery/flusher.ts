import type { Clock, Timer } from '../../lib/clock.ts';

/** A turn in which polls were answered and that took so long is followed by a rest. Milliseconds. */
const TIRING = 1;
const LONGEST_REST = 10;

/** A session, as it is flushed. */
export interface Flushed {
  /** Whether its events leave by a socket or stream as they come, and not with connect replies. */
  readonly isPushed: boolean;
  /** Sends what is due. */
  flush(): void;
}

/** What holds answers back while more is to be read. */
export interface DeferredWrite {
  /** Writes them. Never throws. */
  writeDeferred(): void;
}

/**
 * What is done once, at the end of a turn of the event loop, when all that came in it was read. Answers leave: each wakes a peer
 * that waits for it, and one that was written between two reads would come to a peer that sleeps, again and again. Then sessions
 * are flushed, however much was queued for them.
 *
 * A push costs little; an answer to a poll costs the client's next request as well. A server that has many polls to answer
 * would come to nothing else, with one event in each answer. So after a turn that took long it listens for as long, at most some
 * milliseconds, and holds the polls: what is published meanwhile leaves together. A short turn is followed by no rest.
 */
export class Flusher {
  readonly #clock: Clock;
  #isEnding = false;
  #deferred: DeferredWrite[] = [];
  #waiting: Flushed[] = [];
  #polling: Flushed[] = [];
  // When the first poll of this turn was answered, or of the end of the one before.
  #began: number | undefined;
  // While it rests.
  #rest: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Flushes the session at the end of this turn. The session sees to it that it is not added twice. */
  add(session: Flushed): void {
    this.#waiting.push(session);
    this.#awaitEnd();
  }

  /** Has it write its answers at the end of this turn. */
  writeAtTurnEnd(write: DeferredWrite): void {
    this.#deferred.push(write);
    this.#awaitEnd();
  }

  /** Whether a poll may be answered at once. If not, it is held, and flushed when the rest is over. */
  mayAnswer(): boolean {
    if (this.#rest !== undefined) return false;
    this.#began ??= this.#clock.now();
    this.#awaitEnd();
    return true;
  }

  /** The server closes: nobody waits any more. */
  stop(): void {
    this.#rest?.cancel();
    this.#began = undefined;
  }

  #awaitEnd(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#clock.soon(this.#end);
  }

  readonly #end = (): void => {
    this.#isEnding = false;
    const began = this.#began;
    this.#writeAnswers();
    this.#flush();
    // The requests that answers bring belong to their cost: what was answered only now is looked at next time.
    if (began !== undefined) this.#restAfter(this.#clock.now() - began);
  };

  #writeAnswers(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const one of deferred) one.writeDeferred();
  }

  #flush(): void {
    const sessions = this.#waiting;
    this.#waiting = [];
    for (const session of sessions) {
      if (session.isPushed || this.mayAnswer()) session.flush();
      else this.#polling.push(session);
    }
  }

  #restAfter(took: number): void {
    this.#began = undefined;
    if (took < TIRING) return;
    this.#rest = this.#clock.after(Math.min(took, LONGEST_REST), this.#rested);
  }

  readonly #rested = (): void => {
    this.#rest = undefined;
    const sessions = this.#polling;
    this.#polling = [];
    for (const session of sessions) if (this.mayAnswer()) session.flush();
  };
}
