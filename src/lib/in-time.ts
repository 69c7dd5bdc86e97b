import type { Clock } from './clock.ts';

/** How long code of the application may take to answer, and on whose clock. */
export interface Patience {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly hookTimeout: number;
}

/**
 * The answer; or, when it does not come within `hookTimeout`, a rejection that says of what it was the answer. `late` may make
 * another error of that.
 */
export function inTime<T>(
  answer: Promise<T>,
  what: string,
  { clock, hookTimeout }: Patience,
  late: (error: Error) => Error = (error) => error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(hookTimeout, () => {
      reject(late(new Error(`${what} did not answer within ${hookTimeout} ms (hookTimeout)`)));
    });
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}
