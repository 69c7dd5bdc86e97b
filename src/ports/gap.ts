import type { Reply } from '../protocol/message.ts';

/** Missing events of one channel, reported in `ext.gap` of the next event or connect reply: with replay ids where they have any. */
export interface Gap {
  /** Absent if nobody knows how many are missing, or whether any is. */
  readonly count?: number;
  readonly from?: number;
  readonly to?: number;
}

export type GapsByChannel = ReadonlyMap<string, Gap>;

/** Limit of the gaps in one reply; the next reply reports the others. Bytes. */
export const MAX_GAP_BYTES = 16_384;
/** Length of `,"ext":{"gap":{}}`. */
export const AROUND_GAPS = 17;
/** Under this pattern stand gaps of channels that are not told apart. */
export const EVERYWHERE = '/**';

/** Joins two gaps that have no event of the channel between them. */
export function joined(one: Gap, other: Gap): Gap {
  const isCounted = one.count !== undefined && other.count !== undefined;
  const counted: Gap = isCounted ? { count: one.count + other.count } : {};
  if (one.from === undefined && other.from === undefined) return counted;
  const ids = [one.from, one.to, other.from, other.to].filter((id) => id !== undefined);
  return { ...counted, from: Math.min(...ids), to: Math.max(...ids) };
}

/** Bytes that these gaps take of a reply. */
export function gapBytes(gaps: GapsByChannel): number {
  let bytes = 0;
  for (const [channel, gap] of gaps) bytes += entryBytes(channel, gap);
  return bytes === 0 ? 0 : AROUND_GAPS + bytes;
}

/** Bytes that one gap takes among others, with its comma. */
export function entryBytes(channel: string, gap: Gap): number {
  return Buffer.byteLength(JSON.stringify({ [channel]: gap })) - 1;
}

/** The reply with gaps in its `ext`. */
export function withGaps(reply: Reply, gaps: GapsByChannel): Reply {
  return { ...reply, ext: { ...reply.ext, gap: Object.fromEntries(gaps) } };
}
