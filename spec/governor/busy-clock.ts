import { FakeClock } from '../../src/testing/fake-clock.ts';

/** A clock whose turns of the event loop take so long. Milliseconds. */
export class BusyClock extends FakeClock {
  turnTakes = 0;
  #late = 0;

  /** The event loop does nothing for so long. Milliseconds. */
  stall(ms: number): void {
    this.#late += ms;
  }

  override now(): number {
    return super.now() + this.#late;
  }

  override soon(call: () => void): void {
    super.soon(() => {
      this.#late += this.turnTakes;
      call();
    });
  }
}
