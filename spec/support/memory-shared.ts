import type { Clock } from '../../src/lib/clock.ts';
import { TokenBuckets } from '../../src/lib/token-buckets.ts';
import { EngineUnavailable } from '../../src/ports/engine.ts';
import type { AnswerLimits, Begun, Mark, MarksSide, Shared, SharedAnswers } from '../../src/ports/shared.ts';

/** Rates, answers and marks of several servers in this process. */
export class MemoryShared implements Shared {
  /** Whether each call fails. */
  isAway = false;
  /** What lists of marks wait for. */
  opening: Promise<void> = Promise.resolve();
  readonly kept = new Map<string, { readonly answer: string; readonly limits: AnswerLimits }>();
  readonly claims = new Map<string, { readonly claim: string; readonly until: number }>();
  readonly sides: MarksSide[] = [];
  readonly #clock: Clock;
  readonly #buckets = new Map<number, TokenBuckets>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(bucket: string, rate: number, capacity: number): Promise<number> {
    this.#reach();
    const buckets = this.#buckets.get(rate) ?? new TokenBuckets(this.#clock, rate, capacity);
    this.#buckets.set(rate, buckets);
    return buckets.take(bucket);
  }

  readonly answers: { -readonly [Name in keyof SharedAnswers]: SharedAnswers[Name] } = {
    begin: async (key, claim, ms): Promise<Begun> => {
      this.#reach();
      const done = this.kept.get(key);
      if (done !== undefined) return { is: 'done', answer: done.answer };
      const other = this.claims.get(key);
      if (other !== undefined && other.claim !== claim && other.until > this.#clock.now())
        return { is: 'running' };
      this.claims.set(key, { claim, until: this.#clock.now() + ms });
      return { is: 'begun' };
    },
    finish: async (key, _claim, answer, limits) => {
      this.#reach();
      this.claims.delete(key);
      this.kept.set(key, { answer, limits });
    },
    abandon: async (key) => {
      this.claims.delete(key);
    },
  };

  marks(_name: string, side: MarksSide) {
    this.sides.push(side);
    return {
      opened: this.opening,
      add: async (mark: Mark) => {
        this.#reach();
        for (const { heard } of this.sides) heard(mark);
        return undefined;
      },
    };
  }

  #reach(): void {
    if (this.isAway) throw new EngineUnavailable('the store is away');
  }
}
