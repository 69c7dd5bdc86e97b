// Sums stay exact: both sides are below it.
const MODULUS = 2 ** 52;

/** Counts what is in the database. It is written with each group: where it differs from what is found, something is missing. */
export class Tally {
  events = 0;
  channels = 0;
  #ids = 0;
  #marks = 0;

  addEvent(id: number): void {
    this.events += 1;
    this.#ids = (this.#ids + id) % MODULUS;
  }

  removeEvent(id: number): void {
    this.events -= 1;
    this.#ids = (this.#ids - id + MODULUS) % MODULUS;
  }

  addChannel(mark: number): void {
    this.channels += 1;
    this.#marks = (this.#marks + mark) % MODULUS;
  }

  removeChannel(mark: number): void {
    this.channels -= 1;
    this.#marks = (this.#marks - mark + MODULUS) % MODULUS;
  }

  toString(): string {
    return `${this.events} ${this.#ids} ${this.channels} ${this.#marks}`;
  }
}

/** What the last group says of the whole store. */
export interface Head {
  /** The highest id that was issued. */
  readonly newest: number;
  /** The highest id that was discarded from a channel of which nothing else is known. */
  readonly floor: number;
  /** Of the events and channels that are there. */
  readonly tally: string;
}

export function headText({ newest, floor, tally }: Head): string {
  return `${newest} ${floor} ${tally}`;
}

export function readHead(text: string | undefined): Head | undefined {
  if (text === undefined) return undefined;
  const [newest = '', floor = '', ...tally] = text.split(' ');
  return { newest: Number(newest), floor: Number(floor), tally: tally.join(' ') };
}
