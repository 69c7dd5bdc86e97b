import type { Clock, Timer } from '../../lib/clock.ts';
import type { Place } from './place.ts';

interface Waiting {
  readonly place: Place;
  readonly timer: Timer;
}

/** The places of sessions that have left, which stay listed for a while: another session of the user may take them. */
export class Lingering {
  readonly #clock: Clock;
  readonly #left: (place: Place) => void;
  readonly #byUser = new Map<string, Waiting[]>();

  /** `left` is called with each place that nobody took. */
  constructor(clock: Clock, left: (place: Place) => void) {
    this.#clock = clock;
    this.#left = left;
  }

  add(place: Place, grace: number): void {
    const key = keyOf(place.roster, place.id);
    const waiting = { place, timer: this.#clock.after(grace, () => this.#end(key)) };
    const others = this.#byUser.get(key);
    if (others === undefined) this.#byUser.set(key, [waiting]);
    else others.push(waiting);
  }

  /** Takes the place of the user that was left first. */
  take(roster: string, id: string): Place | undefined {
    const key = keyOf(roster, id);
    const first = this.#byUser.get(key)?.[0];
    if (first !== undefined) this.#remove(key);
    return first?.place;
  }

  /** Lets all places go at once. */
  endAll(): void {
    for (const key of [...this.#byUser.keys()]) while (this.#byUser.has(key)) this.#end(key);
  }

  // Places of one user on one roster are left in the order in which they were added: their grace is the same.
  #end(key: string): void {
    const place = this.#remove(key);
    if (place !== undefined) this.#left(place);
  }

  #remove(key: string): Place | undefined {
    const waiting = this.#byUser.get(key);
    const first = waiting?.shift();
    first?.timer.cancel();
    if (waiting?.length === 0) this.#byUser.delete(key);
    return first?.place;
  }
}

// No channel has a line break in its name.
function keyOf(roster: string, id: string): string {
  return `${roster}\n${id}`;
}
