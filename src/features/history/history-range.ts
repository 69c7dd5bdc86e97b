import type { ChannelEntry, ChannelNames } from '../../channels/channel-names.ts';
import type { HistoryRange } from '../../ports/history-store.ts';

/** Range of the channels that a name or pattern matches. `forgottenThrough`: highest id discarded from forgotten channels. */
export function rangeOf<T extends ChannelEntry>(
  pattern: string,
  channels: ChannelNames<T>,
  forgottenThrough: number,
): HistoryRange {
  const { oldest, discardedThrough } = channels.range(pattern);
  // A known channel has its own discarded id. A pattern or an unknown name may stand for forgotten channels.
  const isKnown = channels.get(pattern) !== undefined;
  return {
    discardedThrough: isKnown ? discardedThrough : Math.max(forgottenThrough, discardedThrough),
    ...(Number.isFinite(oldest) && { oldest }),
  };
}
