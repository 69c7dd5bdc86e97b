import type { Clock } from './clock.ts';

/** Time limit for code of the application, and the clock that measures it. */
export interface TimeLimit {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly hookTimeout: number;
}

/**
 * Settles as `answer` does. When there is no answer within `hookTimeout`, rejects with an error that names `what`, or with
 * the error that `replaceError` makes of it.
 */
export function inTime<T>(
  answer: Promise<T>,
  what: string,
  { clock, hookTimeout }: TimeLimit,
  replaceError: (error: Error) => Error = (error) => error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(hookTimeout, () => {
      reject(replaceError(new Error(`${what} did not answer within ${hookTimeout} ms (hookTimeout)`)));
    });
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}
