import type { Writable } from 'node:stream';

/** Writes bytes in order, each so many milliseconds after it came. */
export class DelayLine {
  readonly #to: Writable;
  readonly #waiting: { readonly bytes: Buffer; readonly due: number }[] = [];

  constructor(to: Writable) {
    this.#to = to;
  }

  write(bytes: Buffer, ms: number): void {
    if (ms === 0 && this.#waiting.length === 0) {
      this.#to.write(bytes);
      return;
    }
    this.#waiting.push({ bytes, due: performance.now() + ms });
    if (this.#waiting.length === 1) setTimeout(this.#go, ms);
  }

  readonly #go = (): void => {
    const now = performance.now();
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      if (first.due > now) return void setTimeout(this.#go, first.due - now);
      this.#waiting.shift();
      this.#to.write(first.bytes);
    }
  };
}
