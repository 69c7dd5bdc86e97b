import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../lib/clock.ts';
import { randomHex } from '../../lib/random-hex.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import type { AnswerLimits, SharedAnswers } from '../../ports/shared.ts';
import { isObject } from '../../protocol/message.ts';
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

/** How long a claim lasts that is not renewed. Milliseconds. */
const CLAIM = 60_000;

/** What answers of all nodes are made with. */
export interface SharedOnceParts {
  readonly answers: SharedAnswers;
  readonly clock: Clock;
  readonly refusals: Pick<RefusalNotes, 'note'>;
}

/** Keeps the answers of all nodes, so that a request may be repeated to any of them. */
export class SharedOnce implements Repeating {
  readonly #parts: SharedOnceParts;
  readonly #limits: AnswerLimits;

  /** Throws `UsageError` for a bad limit. */
  constructor(parts: SharedOnceParts, options?: OnceOptions) {
    this.#parts = parts;
    this.#limits = onceLimits(options);
  }

  /** Throws `EngineUnavailable`, too, when nothing was begun. */
  async run(request: Repeatable, work: () => Promise<unknown>): Promise<OnceAnswer> {
    if (request.key === undefined) return { text: JSON.stringify(await work()), isRepeated: false };
    const { answers } = this.#parts;
    // The key is the caller's own, and may be a secret.
    const key = createHash('sha256').update(nameOf(request, request.key)).digest('hex');
    const claim = randomHex(8);
    const digest = digestOf(request.body);
    const begun = await answers.begin(key, claim, CLAIM);
    if (begun.is === 'running') throw running();
    if (begun.is === 'done') return repeated(begun.answer, digest);
    const text = await this.#carryOut(key, claim, work);
    await this.#keep(key, claim, JSON.stringify({ digest, text }));
    return { text, isRepeated: false };
  }

  async #carryOut(key: string, claim: string, work: () => Promise<unknown>): Promise<string> {
    const { answers } = this.#parts;
    const stop = this.#renew(key, claim);
    try {
      return JSON.stringify(await work());
    } catch (error) {
      await answers.abandon(key, claim);
      throw error;
    } finally {
      stop();
    }
  }

  // The work is done: its caller gets the answer, whether it can be kept or not.
  async #keep(key: string, claim: string, answer: string): Promise<void> {
    try {
      await this.#parts.answers.finish(key, claim, answer, this.#limits);
    } catch {
      const why =
        'an answer could not be kept for its Idempotency-Key: after a minute the key counts as new, and a repeated request is carried out again';
      this.#parts.refusals.note('api.answer_lost', { why });
    }
  }

  #renew(key: string, claim: string): () => void {
    const { answers, clock } = this.#parts;
    const renew = (): void => {
      answers.begin(key, claim, CLAIM).catch(() => {});
      timer = clock.after(CLAIM / 3, renew);
    };
    let timer: Timer = clock.after(CLAIM / 3, renew);
    return () => timer.cancel();
  }
}

function repeated(answer: string, digest: string): OnceAnswer {
  const kept: unknown = JSON.parse(answer);
  if (!isObject(kept) || kept.digest !== digest) throw reused();
  return { text: String(kept.text), isRepeated: true };
}
