import type { Clock, Timer } from './clock.ts';
import type { Session } from './session.ts';

/** A turn in which polls were answered and that took so long is followed by a rest. Milliseconds. */
const TIRING = 1;
const LONGEST_REST = 10;

/**
 * Flushes sessions once per turn of the event loop, however much was queued for them in it.
 *
 * A push costs little; an answer to a poll costs the client's next request as well. A server that has many polls to answer
 * would come to nothing else, with one event in each answer. So after a turn that took long it listens for as long, at most some
 * milliseconds, and holds the polls: what is published meanwhile leaves together. A short turn is followed by no rest.
 */
export class Flusher {
  readonly #clock: Clock;
  #waiting: Session[] = [];
  #polling: Session[] = [];
  #began: number | undefined;
  // While it rests.
  #rest: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Flushes the session at the end of this turn. The session sees to it that it is not added twice. */
  add(session: Session): void {
    if (this.#waiting.length === 0) this.#clock.soon(this.#flush);
    this.#waiting.push(session);
  }

  /** Whether a poll may be answered at once. If not, it is held, and flushed when the rest is over. */
  mayAnswer(): boolean {
    if (this.#rest !== undefined) return false;
    if (this.#began === undefined) {
      this.#began = this.#clock.now();
      this.#clock.soon(this.#endTurn);
    }
    return true;
  }

  /** The server closes: nobody waits any more. */
  stop(): void {
    this.#rest?.cancel();
    this.#began = undefined;
  }

  readonly #flush = (): void => {
    const sessions = this.#waiting;
    this.#waiting = [];
    for (const session of sessions) {
      if (session.isPushed || this.mayAnswer()) session.flush();
      else this.#polling.push(session);
    }
  };

  readonly #endTurn = (): void => {
    if (this.#began === undefined) return;
    const took = this.#clock.now() - this.#began;
    this.#began = undefined;
    if (took < TIRING) return;
    this.#rest = this.#clock.after(Math.min(took, LONGEST_REST), this.#rested);
  };

  readonly #rested = (): void => {
    this.#rest = undefined;
    const sessions = this.#polling;
    this.#polling = [];
    for (const session of sessions) if (this.mayAnswer()) session.flush();
  };
}
