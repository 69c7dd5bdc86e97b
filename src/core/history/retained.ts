import type { Retained } from './history-store.ts';

/** What is left of one channel. */
interface Left {
  readonly name: string;
  readonly discardedThrough: number;
  /** The lowest id still there. */
  readonly oldest: number | undefined;
}

/** What is there of the channels that a name or pattern matches. `floor`: the highest id discarded from one that was forgotten. */
export function retainedOf(pattern: string, channels: readonly Left[], floor: number): Retained {
  // A name says all of itself; below a pattern there may be channels that were forgotten.
  const known = channels.length === 1 && channels[0]?.name === pattern;
  let discardedThrough = known ? -1 : floor;
  let oldest: number | undefined;
  for (const channel of channels) {
    discardedThrough = Math.max(discardedThrough, channel.discardedThrough);
    if (channel.oldest !== undefined && (oldest === undefined || channel.oldest < oldest))
      oldest = channel.oldest;
  }
  return { discardedThrough, ...(oldest !== undefined && { oldest }) };
}
