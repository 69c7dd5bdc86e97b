/** Places that are told apart; of more, the ones longest untouched count for all. */
const MAX_PLACES = 1000;

/**
 * The highest id discarded from channels of which nothing else is known (RP-14): by the place they were at, `/a` for `/a/b`, so
 * that what is forgotten at one place casts no doubt on another.
 */
export class Floors {
  #anywhere: number;
  readonly #places = new Map<string, number>();

  /** Nothing up to this id is known of. */
  constructor(anywhere: number) {
    this.#anywhere = anywhere;
  }

  /** An event was discarded from a channel that is forgotten now. */
  raise(name: string, id: number): void {
    const place = placeOf(name);
    const raised = Math.max(this.#places.get(place) ?? 0, id);
    this.#places.delete(place);
    this.#places.set(place, raised);
    if (this.#places.size > MAX_PLACES) this.#join();
  }

  /** The highest id that may have been discarded from a channel that a name or pattern matches. */
  of(pattern: string): number {
    const place = placeOf(pattern);
    const here = Math.max(this.#anywhere, this.#places.get(place) ?? 0);
    return pattern.endsWith('/**') ? this.#below(`${place}/`, here) : here;
  }

  #below(above: string, here: number): number {
    let floor = here;
    for (const [place, id] of this.#places) if (id > floor && place.startsWith(above)) floor = id;
    return floor;
  }

  #join(): void {
    const [first] = this.#places;
    if (first === undefined) return;
    this.#places.delete(first[0]);
    this.#anywhere = Math.max(this.#anywhere, first[1]);
  }
}

const placeOf = (name: string) => name.slice(0, name.lastIndexOf('/'));
