import type { Clock } from '../../lib/clock.ts';
import {
  digestOf,
  nameOf,
  type OnceAnswer,
  type OnceOptions,
  onceLimits,
  type Repeatable,
  type Repeating,
  reused,
  running,
} from './repeatable.ts';

/** Memory of an entry besides its texts. Bytes. */
const ENTRY = 300;

interface Done {
  readonly digest: string;
  /** The answer, as JSON. */
  readonly text: string;
  readonly at: number;
}

/** Keeps the answers of this node. */
export class Once implements Repeating {
  readonly #clock: Clock;
  readonly #maxAge: number;
  readonly #maxBytes: number;
  // By caller and key, the oldest first.
  readonly #done = new Map<string, Done>();
  readonly #running = new Set<string>();
  #bytes = 0;

  /** Throws `UsageError` for a bad limit. */
  constructor(clock: Clock, options?: OnceOptions) {
    const { maxAge, maxBytes } = onceLimits(options);
    this.#clock = clock;
    this.#maxAge = maxAge;
    this.#maxBytes = maxBytes;
  }

  /** Memory in use. Bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  async run(request: Repeatable, work: () => Promise<unknown>): Promise<OnceAnswer> {
    const { key } = request;
    if (key === undefined) return { text: JSON.stringify(await work()), isRepeated: false };
    const name = nameOf(request, key);
    const digest = digestOf(request.body);
    this.#forgetOld();
    const done = this.#done.get(name);
    if (done !== undefined && done.digest !== digest) throw reused();
    if (done !== undefined) return { text: done.text, isRepeated: true };
    if (this.#running.has(name)) throw running();
    this.#running.add(name);
    try {
      const text = JSON.stringify(await work());
      this.#keep(name, { digest, text, at: this.#clock.now() });
      return { text, isRepeated: false };
    } finally {
      this.#running.delete(name);
    }
  }

  #keep(name: string, done: Done): void {
    this.#done.set(name, done);
    this.#bytes += memoryOf(name, done);
    for (const [oldest, old] of this.#done) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest, old);
    }
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (const [name, done] of this.#done) {
      if (done.at + this.#maxAge > now) return;
      this.#forget(name, done);
    }
  }

  #forget(name: string, done: Done): void {
    this.#done.delete(name);
    this.#bytes -= memoryOf(name, done);
  }
}

function memoryOf(name: string, { digest, text }: Done): number {
  return ENTRY + 2 * (name.length + digest.length + text.length);
}
