import type { ChannelEntry, ChannelNames } from '../../channels/channel-names.ts';
import type { HistoryRange } from '../../ports/history-store.ts';

/** What is there of the channels that a name or pattern matches. `floor`: the highest id discarded from one that was forgotten. */
export function rangeOf<T extends ChannelEntry>(
  pattern: string,
  channels: ChannelNames<T>,
  floor: number,
): HistoryRange {
  const { oldest, discardedThrough } = channels.range(pattern);
  // A name says all of itself; below a pattern there may be channels that were forgotten.
  const isKnown = channels.get(pattern) !== undefined;
  return {
    discardedThrough: isKnown ? discardedThrough : Math.max(floor, discardedThrough),
    ...(Number.isFinite(oldest) && { oldest }),
  };
}
