import { adopt, isPromise } from './maybe-promise.ts';

/** Receives an error that is reported nowhere else. */
export type Failed = (error: unknown) => void;

/** Calls code of the application without waiting for it. An exception or rejection goes to `failed` (PR-8). */
export function callOut(call: () => unknown, failed: Failed): void {
  try {
    const answer = adopt(call());
    if (isPromise(answer)) answer.catch(failed);
  } catch (error) {
    failed(error);
  }
}
