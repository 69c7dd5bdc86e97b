import type { Clock, Timer } from '../lib/clock.ts';

/** The shortest time between two rounds, so that members that joined one by one are visited together. Milliseconds. */
const STEP = 100;

/** Visits each member once per period, counted from its own start, with one timer for all. */
export class Rounds<T> {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #visit: (member: T) => void;
  // Due times are whole milliseconds from here on: larger or broken numbers would take memory of their own for each member.
  readonly #origin: number;
  // Ordered by due time, since all members wait equally long.
  readonly #due = new Map<T, number>();
  #timer: Timer | undefined;

  /** `period` is in milliseconds. */
  constructor(clock: Clock, period: number, visit: (member: T) => void) {
    this.#clock = clock;
    this.#origin = clock.now();
    this.#period = period;
    this.#visit = visit;
  }

  /** Adds a member. The period of a known member starts again. */
  add(member: T): void {
    this.#due.delete(member);
    this.#due.set(member, this.#now() + this.#period);
    this.#timer ??= this.#clock.after(this.#period, this.#goRound);
  }

  delete(member: T): void {
    if (!this.#due.delete(member) || this.#due.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #goRound = (): void => {
    const now = this.#now();
    for (const [member, due] of this.#due) {
      if (due > now) break;
      this.#due.delete(member);
      this.#due.set(member, now + this.#period);
      this.#visit(member);
    }
    this.#rearm(now);
  };

  #now(): number {
    return Math.ceil(this.#clock.now() - this.#origin);
  }

  #rearm(now: number): void {
    const [first] = this.#due.values();
    const wait = Math.max((first ?? 0) - now, Math.min(STEP, this.#period));
    this.#timer = first === undefined ? undefined : this.#clock.after(wait, this.#goRound);
  }
}
