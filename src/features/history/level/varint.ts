/** Reads numbers as LevelDB and Snappy write them: seven bits a byte, the lowest first. Throws past the end. */
export class Varints {
  readonly #bytes: Uint8Array;
  /** The position of the next number. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let number = 0;
    for (let scale = 1; scale < Number.MAX_SAFE_INTEGER; scale *= 128) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      number += (byte & 0x7f) * scale;
      if (byte < 0x80) return number;
    }
    throw new Error('a number in it is incomplete');
  }
}
