import type { Clock } from './clock.ts';
import type { Session } from './session.ts';

/** Flushes sessions once per turn of the event loop, however much was queued for them in it. */
export class Flusher {
  readonly #clock: Clock;
  #waiting: Session[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Flushes the session at the end of this turn. The session sees to it that it is not added twice. */
  add(session: Session): void {
    if (this.#waiting.length === 0) this.#clock.soon(this.#flush);
    this.#waiting.push(session);
  }

  readonly #flush = (): void => {
    const sessions = this.#waiting;
    this.#waiting = [];
    for (const session of sessions) session.flush();
  };
}
