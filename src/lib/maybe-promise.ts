/** A value, or a promise of one. Code that answers at once costs no promise. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether the value is a `Promise`. Values from the application go through `adopt` first: a look at `then` costs more. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise;
}

/** A value from code of the application: an object with `then` becomes a `Promise`. */
export function adopt<T>(value: MaybePromise<T>): MaybePromise<T> {
  if (typeof value !== 'object' || value === null || isPromise(value)) return value;
  return 'then' in value && typeof value.then === 'function' ? Promise.resolve<T>(value) : value;
}

/** Calls `next` with the value: at once, or when the promise resolves. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** Runs `work`. An exception or rejection goes to `failed`, whose result is used instead. */
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

/** All values: at once if none is a promise, so that work on them keeps the order of calls. */
export function allOf<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.every(isValue) ? values : Promise.all(values);
}

function isValue<T>(value: MaybePromise<T>): value is T {
  return !isPromise(value);
}
