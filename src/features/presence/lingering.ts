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
    const { key } = place;
    const waiting = { place, timer: this.#clock.after(grace, () => this.#end(key)) };
    const others = this.#byUser.get(key);
    if (others === undefined) this.#byUser.set(key, [waiting]);
    else others.push(waiting);
  }

  /** Takes a place of the same user: the one that the same session has left, else the one that was left first. */
  take({ key, session }: Place): Place | undefined {
    const own = this.#byUser.get(key)?.findIndex(({ place }) => place.session === session) ?? -1;
    return this.#remove(key, Math.max(0, own));
  }

  /** Lets all places go at once. */
  endAll(): void {
    for (const key of [...this.#byUser.keys()]) while (this.#byUser.has(key)) this.#end(key);
  }

  // The grace of all places on a roster is the same: the first one ends first.
  #end(key: string): void {
    const place = this.#remove(key, 0);
    if (place !== undefined) this.#left(place);
  }

  #remove(key: string, at: number): Place | undefined {
    const waiting = this.#byUser.get(key);
    const [one] = waiting?.splice(at, 1) ?? [];
    one?.timer.cancel();
    if (waiting?.length === 0) this.#byUser.delete(key);
    return one?.place;
  }
}
