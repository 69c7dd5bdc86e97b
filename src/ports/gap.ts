import type { Reply } from '../protocol/message.ts';

/** Events that were dropped, told of in `ext.gap` of the next event or connect reply: replay ids where they have them. */
export interface Gap {
  readonly count: number;
  readonly from?: number;
  readonly to?: number;
}

/** Gaps by channel. */
export type GapsByChannel = ReadonlyMap<string, Gap>;

/** What gaps may take of one reply; the next one tells of the rest. Bytes. */
export const MAX_GAP_BYTES = 16_384;
/** `,"ext":{"gap":{}}` */
export const AROUND_GAPS = 17;

/** Two gaps with no event of the channel between them are one. */
export function joined(one: Gap | undefined, other: Gap): Gap {
  if (one === undefined) return other;
  if (one.from === undefined && other.from === undefined) return { count: one.count + other.count };
  const ids = [one.from, one.to, other.from, other.to].filter((id) => id !== undefined);
  return { count: one.count + other.count, from: Math.min(...ids), to: Math.max(...ids) };
}

/** What these gaps take of a reply. Bytes. */
export function gapBytes(gaps: GapsByChannel): number {
  let bytes = 0;
  for (const [channel, gap] of gaps) bytes += entryBytes(channel, gap);
  return bytes === 0 ? 0 : AROUND_GAPS + bytes;
}

/** What one gap takes among others, with its comma. Bytes. */
export function entryBytes(channel: string, gap: Gap): number {
  return Buffer.byteLength(JSON.stringify({ [channel]: gap })) - 1;
}

/** The reply with gaps in it. */
export function withGaps(reply: Reply, gaps: GapsByChannel): Reply {
  return { ...reply, ext: { ...reply.ext, gap: Object.fromEntries(gaps) } };
}
