import type { Clock, Timer } from '../lib/clock.ts';

/** What tells Redis of an interest. */
export type TellInterest = (pattern: string, isWanted: boolean) => Promise<void>;

interface Interest {
  /** Pending until it is in force; undefined when that failed. */
  told: Promise<void> | undefined;
  leaving: Timer | undefined;
}

/**
 * The patterns that this node wants. A pattern that is no longer wanted stays in force for a while, so that a page that is loaded again
 * changes nothing.
 */
export class Interests {
  readonly #tell: TellInterest;
  readonly #clock: Clock;
  readonly #grace: number;
  readonly #known = new Map<string, Interest>();

  /** `grace`: how long an interest stays in force when nobody has it any more. Milliseconds. */
  constructor(tell: TellInterest, clock: Clock, grace: number) {
    this.#tell = tell;
    this.#clock = clock;
    this.#grace = grace;
  }

  /** Those in force, or on their way. */
  get patterns(): Iterable<string> {
    return this.#known.keys();
  }

  /** Resolves when the pattern is in force. */
  add(pattern: string): Promise<void> {
    const interest = this.#known.get(pattern) ?? { told: undefined, leaving: undefined };
    this.#known.set(pattern, interest);
    interest.leaving?.cancel();
    interest.leaving = undefined;
    interest.told ??= this.#told(pattern, interest);
    return interest.told;
  }

  /** Takes effect after the grace, unless the pattern is added again. */
  remove(pattern: string): void {
    const interest = this.#known.get(pattern);
    if (interest === undefined || interest.leaving !== undefined) return;
    interest.leaving = this.#clock.after(this.#grace, () => {
      this.#known.delete(pattern);
      // It is carried out in any case, though it may be late.
      this.#tell(pattern, false).catch(() => {});
    });
  }

  close(): void {
    for (const { leaving } of this.#known.values()) leaving?.cancel();
    this.#known.clear();
  }

  #told(pattern: string, interest: Interest): Promise<void> {
    const told = this.#tell(pattern, true);
    told.catch(() => {
      interest.told = undefined;
    });
    return told;
  }
}
