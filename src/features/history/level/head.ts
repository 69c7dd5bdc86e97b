// Both summands are below this, so that sums are exact.
const MODULUS = 2 ** 52;

/** Counts and sums of the database, written with each group. When they differ from the entries found, something is missing. */
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

/** The state of the whole store, written with each group. */
export interface Head {
  /** The highest id that was issued. */
  readonly newest: number;
  /** The highest id that was discarded from channels that have no entry. */
  readonly forgottenThrough: number;
  /** The `Tally` as text. */
  readonly tally: string;
}

export function headText({ newest, forgottenThrough, tally }: Head): string {
  return `${newest} ${forgottenThrough} ${tally}`;
}

export function readHead(text: string | undefined): Head | undefined {
  if (text === undefined) return undefined;
  const [newest = '', forgottenThrough = '', ...tally] = text.split(' ');
  return { newest: Number(newest), forgottenThrough: Number(forgottenThrough), tally: tally.join(' ') };
}
