import type { Clock, Timer } from '../../lib/clock.ts';
import { spread } from '../../lib/spread.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import { NoRoomError } from '../../protocol/errors.ts';
import { overLimit } from '../../protocol/over-limit.ts';
import { TokenBuckets } from '../../lib/token-buckets.ts';

/** How long a handshake may wait. cometd.js gives a handshake up after 10 s. Milliseconds. */
const MAX_WAIT = 8_000;

/** Part of a second's handshakes that may come at once, so that no second has more than 1.1 times the rate. */
const BURST = 0.1;

const OPTION = 'limits.handshakes';

interface Waiter {
  readonly since: number;
  letIn(): void;
  refuse(error: NoRoomError): void;
}

/** Lets so many handshakes in a second. Those above the rate wait in a queue, first in, first out; the queue is bounded. */
export class HandshakeQueue {
  readonly #rate: number;
  readonly #clock: Clock;
  readonly #refusals: RefusalNotes;
  readonly #bucket: TokenBuckets;
  readonly #waiters = new Map<Conduit, Waiter>();
  #timer: Timer | undefined;

  /** `rate` is the option `limits.handshakes`. */
  constructor(rate: number, clock: Clock, refusals: RefusalNotes) {
    this.#rate = rate;
    this.#clock = clock;
    this.#refusals = refusals;
    this.#bucket = new TokenBuckets(clock, rate, rate * BURST);
  }

  /** Handshakes that wait. */
  get length(): number {
    return this.#waiters.size;
  }

  /** Resolves when it is the turn of this handshake; `undefined` if it is at once. Throws, or rejects with, `NoRoomError`. */
  enter(conduit: Conduit): Promise<void> | undefined {
    if (this.#waiters.size === 0 && this.#bucket.take(OPTION) === 0) return undefined;
    if (this.#waiters.size >= (this.#rate * MAX_WAIT) / 1000) throw this.#refusal(conduit);
    // The second handshake of a socket whose first still waits.
    if (this.#waiters.has(conduit)) throw this.#refusal(conduit);
    const turn = new Promise<void>((letIn, refuse) => {
      this.#waiters.set(conduit, { since: this.#clock.now(), letIn, refuse });
    });
    this.#awaitToken();
    return turn;
  }

  /** The client gave up. */
  leave(conduit: Conduit): void {
    const waiter = this.#waiters.get(conduit);
    if (waiter === undefined) return;
    this.#waiters.delete(conduit);
    waiter.refuse(new NoRoomError('the client has hung up'));
  }

  /** Refuses all that wait: the server closes. */
  close(): void {
    this.#timer?.cancel();
    for (const { refuse } of this.#waiters.values()) refuse(new NoRoomError('the server is closing'));
    this.#waiters.clear();
  }

  #awaitToken(): void {
    this.#timer ??= this.#clock.after(Math.max(1, this.#bucket.waitFor(OPTION)), this.#advance);
  }

  readonly #advance = (): void => {
    this.#timer = undefined;
    for (const [conduit, waiter] of this.#waiters) {
      const isLate = this.#clock.now() - waiter.since > MAX_WAIT;
      if (!isLate && conduit.alive && this.#bucket.take(OPTION) > 0) break;
      this.#waiters.delete(conduit);
      if (isLate || !conduit.alive) waiter.refuse(this.#refusal(conduit));
      else waiter.letIn();
    }
    if (this.#waiters.size > 0) this.#awaitToken();
  };

  #refusal({ address }: Conduit): NoRoomError {
    const why = overLimit(OPTION, `${this.#rate} a second, and the queue is full`);
    this.#refusals.note('handshake.refused', { option: OPTION, limit: this.#rate, address, why });
    return new NoRoomError(why, spread(MAX_WAIT / 2));
  }
}
