/**
 * What is known of a command that failed. `unsent`: Redis surely did not get it. `unknown`: Redis may have carried it out, now or later.
 * `refused`: Redis answered with an error, and did nothing.
 */
export type Outcome = 'unsent' | 'unknown' | 'refused';

/** A command to Redis failed. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly outcome: Outcome;
  /** The first word of the error that Redis answered, such as `OOM`; otherwise empty. */
  readonly word: string;

  constructor(outcome: Outcome, message: string, cause?: unknown) {
    super(message, { cause });
    this.outcome = outcome;
    this.word = outcome === 'refused' ? wordOf(message) : '';
  }
}

/** The first word of an error of Redis, such as `NOSCRIPT`; empty for errors that do not come from Redis. */
export function wordOf(message: string): string {
  return /^-?([A-Z][A-Z0-9_]+)(?: |$)/.exec(message)?.[1] ?? '';
}
