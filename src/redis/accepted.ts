import type { NumberedBatch } from './batch.ts';

interface Kept {
  readonly batch: NumberedBatch;
  readonly at: number;
}

/** The batches that Redis accepted a short while ago, to be sent again to a Redis that lost them. Their numbers follow one another. */
export class Accepted {
  readonly #maxAge: number;
  readonly #maxBytes: number;
  #kept: Kept[] = [];
  #bytes = 0;

  /** Milliseconds and bytes. */
  constructor(maxAge: number, maxBytes: number) {
    this.#maxAge = maxAge;
    this.#maxBytes = maxBytes;
  }

  /** The lowest number that is kept. */
  get first(): number | undefined {
    return this.#kept[0]?.batch.first;
  }

  add(batch: NumberedBatch, now: number): void {
    this.#kept.push({ batch, at: now });
    this.#bytes += batch.bytes;
    this.trim(now);
  }

  /** Drops what is too old or too much. */
  trim(now: number): void {
    let gone = 0;
    for (const { batch, at } of this.#kept) {
      if (at >= now - this.#maxAge && this.#bytes <= this.#maxBytes) break;
      this.#bytes -= batch.bytes;
      gone += 1;
    }
    if (gone > 0) this.#kept.splice(0, gone);
  }

  /** Takes out the batches with numbers above `last`. */
  takeAbove(last: number): NumberedBatch[] {
    const taken = this.#kept.filter(({ batch }) => batch.last > last).map(({ batch }) => batch);
    this.#kept = this.#kept.filter(({ batch }) => batch.last <= last);
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken;
  }
}
