import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { Problem } from './problem.ts';

/** Limits of the answers that are kept for a repeated request. */
export interface OnceOptions {
  /** How long an answer is kept. Milliseconds; 24 hours if absent. */
  readonly maxAge?: number | undefined;
  /** Memory of all answers. Past it the oldest are forgotten. Bytes; 16 MiB if absent. */
  readonly maxBytes?: number | undefined;
}

/** A request that may come again. */
export interface Repeatable {
  /** Keeps the keys of callers apart. */
  readonly caller: string;
  /** The header `Idempotency-Key`. */
  readonly key: string | undefined;
  /** What another request with the same key must have in common. */
  readonly path: string;
  readonly body: unknown;
}

/** Memory of an entry besides its texts. Bytes. */
const ENTRY = 300;

interface Done {
  readonly digest: string;
  /** The answer, as JSON. */
  readonly text: string;
  readonly at: number;
}

/**
 * Carries out requests with the same `Idempotency-Key` once, and repeats the first answer. A failed request is forgotten, since it had
 * no effect.
 */
export class Once {
  readonly #clock: Clock;
  readonly #maxAge: number;
  readonly #maxBytes: number;
  // By caller and key, the oldest first.
  readonly #done = new Map<string, Done>();
  readonly #running = new Set<string>();
  #bytes = 0;

  /** Throws `UsageError` for a bad limit. */
  constructor(clock: Clock, { maxAge = 86_400_000, maxBytes = 16_777_216 }: OnceOptions = {}) {
    this.#clock = clock;
    this.#maxAge = checked('maxAge', maxAge, 1);
    this.#maxBytes = checked('maxBytes', maxBytes, 0);
  }

  /** Memory in use. Bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Runs `work`, or finds its first answer. Throws `Problem` for a bad key, and for one that another request has. */
  async run(
    request: Repeatable,
    work: () => Promise<unknown>,
  ): Promise<{ readonly text: string; readonly isRepeated: boolean }> {
    const { key } = request;
    if (key === undefined) return { text: JSON.stringify(await work()), isRepeated: false };
    const name = `${request.caller}\n${request.path}\n${bare(key)}`;
    const digest = digestOf(request.body);
    this.#forgetOld();
    const done = this.#done.get(name);
    if (done !== undefined && done.digest !== digest)
      throw new Problem(
        'idempotency_key_reused',
        'the Idempotency-Key came before with another body: use a new key',
      );
    if (done !== undefined) return { text: done.text, isRepeated: true };
    if (this.#running.has(name))
      throw new Problem(
        'request_running',
        'the first request with this Idempotency-Key still runs: repeat it later',
        {
          headers: { 'Retry-After': '1' },
        },
      );
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

// The draft of the header says that the key is a quoted text. Most clients send it bare.
function bare(key: string): string {
  const text = /^"([^"\\]*)"$/.exec(key)?.[1] ?? key;
  if (/^[!-~]{1,255}$/.test(text)) return text;
  throw new Problem(
    'idempotency_key_invalid',
    'the Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID',
  );
}

function digestOf(body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(body) ?? '')
    .digest('base64');
}

function memoryOf(name: string, { digest, text }: Done): number {
  return ENTRY + 2 * (name.length + digest.length + text.length);
}

function checked(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`idempotency.${name} must be a whole number of at least ${least}, got ${value}`);
}
