import { UsageError } from '../../lib/usage-error.ts';

/** How many channels a store remembers if nothing else is said. */
export const MAX_CHANNELS = 100_000;

/** A bound of a store. Throws `UsageError` for one that is none. */
export function checkedBound(name: 'maxBytes' | 'maxChannels', value: number): number {
  if (value >= 1) return value;
  throw new UsageError(`${name} must be a number of at least 1, got ${value}`);
}
