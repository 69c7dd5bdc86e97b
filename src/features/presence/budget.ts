/** Memory that may be used for who is present. One session may use a share of the free part, so that some is left for others. */
export class Budget {
  readonly limit: number;
  #used = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes. */
  get used(): number {
    return this.#used;
  }

  /** Whether a session may use so many bytes. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= (this.limit - this.#used) * SHARE;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }
}

const SHARE = 1 / 16;
