const FIRST = 4096;

/** Bytes that come in pieces: kept in one buffer that grows, since each small buffer costs a hundred bytes more than it holds. */
export class Gathered {
  readonly #max: number;
  #all: Buffer = Buffer.alloc(0);
  #length = 0;

  /** `max` is the most it may be given. Bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#all.subarray(0, this.#length);
  }

  add(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (this.#length === 0) this.#all = piece;
    else {
      if (length > this.#all.length) this.#grow(length);
      piece.copy(this.#all, this.#length);
    }
    this.#length = length;
  }

  #grow(least: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(least, FIRST, Math.min(2 * least, this.#max)));
    this.bytes.copy(grown);
    this.#all = grown;
  }
}
