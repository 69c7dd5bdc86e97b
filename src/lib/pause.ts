import type { Clock } from './clock.ts';

/** Resolves after a time, or as soon as the signal is aborted. Milliseconds. */
export function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0 || signal.aborted) return resolve();
    const timer = clock.after(ms, done);
    signal.addEventListener('abort', done);
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
