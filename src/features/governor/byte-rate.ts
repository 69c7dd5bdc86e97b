import type { Clock, Timer } from '../../lib/clock.ts';
import { spread } from '../../lib/spread.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import { NoRoomError } from '../../protocol/errors.ts';
import { overRate } from '../../protocol/over-limit.ts';
import { TokenBuckets } from '../../lib/token-buckets.ts';

/** How long a batch may wait. Milliseconds. */
const MAX_WAIT = 8_000;

const OPTION = 'limits.bytes';

/** Limits the bytes of a session in a second: batches above the rate wait, in the order in which they came. */
export class ByteRate {
  readonly #rate: number;
  readonly #clock: Clock;
  readonly #refusals: RefusalNotes;
  readonly #buckets: TokenBuckets;
  // The last batch of each session that waits.
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #timers = new Map<Timer, () => void>();

  /** `rate` is the option `limits.bytes`. */
  constructor(rate: number, clock: Clock, refusals: RefusalNotes) {
    this.#rate = rate;
    this.#clock = clock;
    this.#refusals = refusals;
    this.#buckets = new TokenBuckets(clock, rate);
  }

  /** Resolves when the batch may be handled; `undefined` if it may be at once. Connects count and never wait. Throws `NoRoomError`. */
  take(bytes: number, { id }: ServedSession, onlyConnects: boolean): Promise<void> | undefined {
    const wait = this.#buckets.charge(id, bytes);
    const earlier = this.#last.get(id);
    if (onlyConnects || (wait === 0 && earlier === undefined)) return undefined;
    const why = overRate(OPTION, this.#rate);
    if (wait > MAX_WAIT) {
      this.#buckets.refund(id, bytes);
      this.#refusals.note('request.refused', { option: OPTION, limit: this.#rate, why, session: id });
      throw new NoRoomError(why, spread(wait - MAX_WAIT));
    }
    this.#refusals.note('request.delayed', { option: OPTION, limit: this.#rate, why, session: id });
    return this.#wait(id, wait, earlier);
  }

  /** Ends all waits: the server closes. */
  close(): void {
    for (const [timer, resolve] of this.#timers) {
      timer.cancel();
      resolve();
    }
  }

  async #wait(id: string, wait: number, earlier: Promise<unknown> | undefined): Promise<void> {
    const turn = Promise.all([earlier, this.#pause(wait)]);
    this.#last.set(id, turn);
    await turn;
    if (this.#last.get(id) === turn) this.#last.delete(id);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ms, () => {
        this.#timers.delete(timer);
        resolve();
      });
      this.#timers.set(timer, resolve);
    });
  }
}
