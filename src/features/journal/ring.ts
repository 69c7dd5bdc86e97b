/** Anything with a time. */
interface Dated {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Notes in the order in which they came. Where they take more memory than `maxBytes`, the oldest are dropped. */
export class Ring<Note extends Dated> {
  readonly #maxBytes: number;
  readonly #bytesOf: (note: Note) => number;
  #notes: (Note | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxBytes: number, bytesOf: (note: Note) => number) {
    this.#maxBytes = maxBytes;
    this.#bytesOf = bytesOf;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(note: Note): void {
    this.#notes.push(note);
    this.#bytes += this.#bytesOf(note);
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
    if (this.#head > 64 && this.#head * 2 > this.#notes.length) {
      this.#notes = this.#notes.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The newest notes, at most `count`, newest first. */
  *newest(count = Number.POSITIVE_INFINITY): Generator<Note> {
    const last = Math.max(this.#head, this.#notes.length - count);
    for (let at = this.#notes.length - 1; at >= last; at -= 1) {
      const note = this.#notes[at];
      if (note !== undefined) yield note;
    }
  }

  #dropOldest(): void {
    const oldest = this.#notes[this.#head];
    this.#notes[this.#head] = undefined;
    this.#head += 1;
    if (oldest !== undefined) this.#bytes -= this.#bytesOf(oldest);
  }
}

/** Memory of an object with a few fields, its slot in a list, and what a list keeps for slots that are free. Bytes. */
export const NOTE = 256;

/** Most memory of a text. Bytes. */
export const bytesOfText = (text: string | undefined): number =>
  text === undefined ? 0 : 32 + 2 * text.length;

/** A copy of the beginning of a text, which does not keep the rest in memory. */
export function copied(text: string, most = 255): string {
  return Buffer.from(text.slice(0, most)).toString();
}
