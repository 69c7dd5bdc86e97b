import { systemClock } from '../../lib/clock.ts';

/** Resolves in a later turn of the event loop, so that other work goes on in between. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.soon(resolve));
}
