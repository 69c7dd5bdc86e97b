import { systemClock } from '../../lib/clock.ts';

/** Resolves in a later turn of the event loop: in between, what else came in is done. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.soon(resolve));
}
