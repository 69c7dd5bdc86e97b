const SWEEP_FROM = 1024;

/** A map whose values end, and are removed later: when the map has doubled, so that the cost for each value stays small. */
export class SweptMap<Key, Value> {
  readonly #values = new Map<Key, Value>();
  readonly #hasEnded: (value: Value, now: number) => boolean;
  #sweepAt = SWEEP_FROM;

  constructor(hasEnded: (value: Value, now: number) => boolean) {
    this.#hasEnded = hasEnded;
  }

  /** The value, which may have ended. */
  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  set(key: Key, value: Value, now: number): void {
    if (this.#values.size >= this.#sweepAt) this.#sweep(now);
    this.#values.set(key, value);
  }

  #sweep(now: number): void {
    for (const [key, value] of this.#values) if (this.#hasEnded(value, now)) this.#values.delete(key);
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#values.size);
  }
}
