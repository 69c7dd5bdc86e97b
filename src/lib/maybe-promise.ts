/** A value now, or later: what nobody makes wait costs no promise. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether the value comes later. What others hand in is adopted first: asking any value for its `then` costs more. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise;
}

/** What code that is not ours answered with: a promise of another kind becomes one of ours. */
export function adopt<T>(value: MaybePromise<T>): MaybePromise<T> {
  if (typeof value !== 'object' || value === null || isPromise(value)) return value;
  return 'then' in value && typeof value.then === 'function' ? Promise.resolve<T>(value) : value;
}

/** Goes on with the value at once where it is here, else when it comes. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** Does the work; what it throws, now or later, goes to `failed`, whose answer stands in. */
export function recover<T>(
  work: () => MaybePromise<T>,
  failed: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const value = work();
    return isPromise(value) ? value.catch(failed) : value;
  } catch (error) {
    return failed(error);
  }
}
