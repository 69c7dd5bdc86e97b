import { UsageError } from '../../lib/usage-error.ts';

/** Default limit of the channels in a store. */
export const MAX_CHANNELS = 100_000;

/** A bound of a store. Throws `UsageError` when it is not at least 1. */
export function checkedBound(name: 'maxBytes' | 'maxChannels', value: number): number {
  if (value >= 1) return value;
  throw new UsageError(`${name} must be a number of at least 1, got ${value}`);
}
