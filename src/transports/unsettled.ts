import type { Handover } from '../ports/conduit.ts';
import type { Outgoing } from '../protocol/outgoing.ts';

/** A written batch, and whom to tell when it has left. */
export interface Written {
  readonly batch: readonly Outgoing[];
  readonly handover: Handover | undefined;
}

/** The batches that were written to one connection and may not have left yet, oldest first (DL-8). */
export class Unsettled {
  #written: Written[] = [];

  get isEmpty(): boolean {
    return this.#written.length === 0;
  }

  get last(): Written | undefined {
    return this.#written.at(-1);
  }

  add(batch: readonly Outgoing[], handover: Handover | undefined): Written {
    const written = { batch, handover };
    this.#written.push(written);
    return written;
  }

  /** Tells that this batch and all older ones have left whole. */
  settleUpTo(last: Written): void {
    const count = this.#written.indexOf(last) + 1;
    for (const { batch, handover } of this.#written.splice(0, count)) handover?.settled(batch, true);
  }

  /**
   * Tells that all are lost with the connection, newest first: each is put back at the head of the queue,
   * which restores their order.
   */
  lose(): void {
    const lost = this.#written.reverse();
    this.#written = [];
    for (const { batch, handover } of lost) handover?.settled(batch, false, true);
  }
}
