import { isObject } from '../protocol/message.ts';

/** What a node asks another. Plain JSON, as the answer is. */
export type PeerQuestion =
  | { readonly of: 'sessionsOf'; readonly user: string }
  | { readonly of: 'members'; readonly channel: string }
  | { readonly of: 'count'; readonly channel?: string };

/** Reads a question that came as JSON; undefined for anything else. */
export function questionOf(value: unknown): PeerQuestion | undefined {
  if (!isObject(value)) return undefined;
  const { of, user, channel } = value;
  if (of === 'sessionsOf' && typeof user === 'string') return { of, user };
  if (of === 'members' && typeof channel === 'string') return { of, channel };
  if (of === 'count' && channel === undefined) return { of };
  if (of === 'count' && typeof channel === 'string') return { of, channel };
  return undefined;
}
