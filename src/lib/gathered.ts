const FIRST = 4096;

/** Collects bytes that come in pieces in one growing buffer: each small buffer would cost a hundred bytes more than it holds. */
export class Gathered {
  readonly #max: number;
  #all: Buffer = Buffer.alloc(0);
  #length = 0;

  /** `max`: the most bytes that are ever added. */
  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#length;
  }

  /** Memory in use once `more` bytes are added. */
  sizeWith(more: number): number {
    const length = this.#length + more;
    if (length <= this.#all.length || this.#length === 0) return Math.max(length, this.#all.length);
    return Math.max(length, FIRST, Math.min(2 * length, this.#max));
  }

  get bytes(): Buffer {
    return this.#all.subarray(0, this.#length);
  }

  add(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (this.#length === 0) this.#all = piece;
    else {
      if (length > this.#all.length) this.#grow(this.sizeWith(piece.length));
      piece.copy(this.#all, this.#length);
    }
    this.#length = length;
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(grown);
    this.#all = grown;
  }
}
