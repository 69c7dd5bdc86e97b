import type { ChannelEntry, ChannelNames } from '../../channels/channel-names.ts';
import type { HistoryRange } from '../../ports/history-store.ts';

/** The range of the channels that a name or pattern matches. `floor`: the highest id discarded from forgotten channels. */
export function rangeOf<T extends ChannelEntry>(
  pattern: string,
  channels: ChannelNames<T>,
  floor: number,
): HistoryRange {
  const { oldest, discardedThrough } = channels.range(pattern);
  // A known channel has its own discarded id. A pattern or an unknown name may stand for forgotten channels.
  const isKnown = channels.get(pattern) !== undefined;
  return {
    discardedThrough: isKnown ? discardedThrough : Math.max(floor, discardedThrough),
    ...(Number.isFinite(oldest) && { oldest }),
  };
}
