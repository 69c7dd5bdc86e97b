import type { Clock } from './clock.ts';

/** How long code of the application may take to answer, and on whose clock. */
export interface Patience {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly hookTimeout: number;
}

/** The answer; or, when it does not come within `hookTimeout`, a rejection with what `late` makes. */
export function inTime<T>(
  answer: Promise<T>,
  { clock, hookTimeout }: Patience,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(hookTimeout, () => reject(late()));
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}
