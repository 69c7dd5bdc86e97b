import type { Clock, Timer } from '../lib/clock.ts';
import { UnreachableError } from '../ports/peers.ts';
import type { Traffic } from './traffic.ts';

/** Bytes that may wait for one node. */
const MAX_BYTES = 16_777_216;

interface Waiting {
  readonly bytes: number;
  readonly timer: Timer;
  begin(traffic: Traffic): void;
  fail(error: UnreachableError): void;
}

/** What waits until another node can be reached. */
export class WaitingLine {
  readonly #node: string;
  readonly #clock: Clock;
  readonly #lack: string;
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** `node`: the name of the other node. `lack`: what is told of one that waited for too long. */
  constructor(node: string, clock: Clock, lack = 'there was no link') {
    this.#node = node;
    this.#clock = clock;
    this.#lack = lack;
  }

  /** Calls `begin` when the node is reached. Rejects with `UnreachableError` when that takes too long, or too many bytes wait. */
  add<T>(bytes: number, ms: number, begin: (traffic: Traffic) => Promise<T>): Promise<T> {
    if (this.#bytes + bytes > MAX_BYTES) return Promise.reject(this.#unreachable('too much waits for it'));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        timer: this.#clock.after(ms, () => {
          this.#waiting = this.#waiting.filter((one) => one !== waiting);
          this.#bytes -= bytes;
          reject(this.#unreachable(`${this.#lack} for ${ms} ms`));
        }),
        begin: (traffic) => void begin(traffic).then(resolve, reject),
        fail: reject,
      };
      this.#waiting.push(waiting);
      this.#bytes += bytes;
    });
  }

  /** The node is reached. */
  begin(traffic: Traffic): void {
    for (const one of this.#takeAll()) one.begin(traffic);
  }

  /** The node will not be reached. */
  fail(why: string): void {
    for (const { fail } of this.#takeAll()) fail(this.#unreachable(why));
  }

  #takeAll(): readonly Waiting[] {
    const all = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const { timer } of all) timer.cancel();
    return all;
  }

  #unreachable(why: string): UnreachableError {
    return new UnreachableError(`the node ${this.#node} cannot be reached: ${why}`);
  }
}
