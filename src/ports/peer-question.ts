import { isObject, type JsonObject } from '../protocol/message.ts';

/** What a node asks another. Plain JSON, as the answer is. */
export type PeerQuestion =
  | { readonly of: 'sessionsOf'; readonly user: string }
  | { readonly of: 'members'; readonly channel: string }
  | { readonly of: 'count'; readonly channel?: string }
  /** For the part of the server that answers questions about this topic: `server.nodes.answer`. */
  | { readonly of: 'topic'; readonly topic: string; readonly about: JsonObject };

/** Reads what another node asks; undefined for a question that this version does not know. */
export function questionOf(value: unknown): PeerQuestion | undefined {
  if (!isObject(value)) return undefined;
  const { of, user, channel, topic, about } = value;
  if (of === 'sessionsOf' && typeof user === 'string') return { of, user };
  if (of === 'members' && typeof channel === 'string') return { of, channel };
  if (of === 'count' && channel === undefined) return { of };
  if (of === 'count' && typeof channel === 'string') return { of, channel };
  if (of === 'topic' && typeof topic === 'string' && isObject(about)) return { of, topic, about };
  return undefined;
}
