import { adopt, isPromise } from './maybe-promise.ts';

/** Takes an error that nobody else will hear of. */
export type Failed = (error: unknown) => void;

/** Calls code of the application, and waits for nothing: what it throws, now or later, goes to `failed` (PR-8). */
export function callOut(call: () => unknown, failed: Failed): void {
  try {
    const answer = adopt(call());
    if (isPromise(answer)) answer.catch(failed);
  } catch (error) {
    failed(error);
  }
}
