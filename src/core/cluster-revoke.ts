import type { Sum } from '../ports/directory.ts';
import type { PeersAbout } from '../ports/feature.ts';
import type { Revocation } from '../ports/revocations.ts';
import { NoRoomError } from '../protocol/errors.ts';
import { isObject, type JsonObject } from '../protocol/message.ts';

/** How long the node of a session may take: it asks the other nodes meanwhile. Milliseconds. */
const PATIENCE = 2_000;

/** How a revocation went: how many sessions ended, and whether every node has answered. */
export type Revoked = Sum<number>;

const nothing: Revoked = { value: 0, complete: true };

/**
 * Ends sessions on the other nodes: those of the user, or the one with this id. Tokens are for the features. Rejects with `NoRoomError`
 * if the node of the session had no room for its token.
 */
export async function revokeElsewhere(
  revocation: Revocation,
  peers: PeersAbout | undefined,
): Promise<Revoked> {
  if (peers === undefined || 'tokenId' in revocation) return nothing;
  if ('session' in revocation) return revokeSession(revocation.session, peers);
  const answers = await peers.askAll({ user: revocation.user });
  const counts = answers.filter((answer) => typeof answer === 'number');
  return {
    value: counts.reduce((sum, count) => sum + count, 0),
    complete: counts.length === answers.length,
  };
}

/** What the node of a session answers. */
export async function revokedAnswer(work: Promise<Revoked>): Promise<JsonObject> {
  try {
    return { ...(await work) };
  } catch (error) {
    if (error instanceof NoRoomError) return { full: error.message };
    throw error;
  }
}

async function revokeSession(session: string, peers: PeersAbout): Promise<Revoked> {
  const node = peers.nodes.find((name) => session.startsWith(name));
  if (node === undefined) return nothing;
  const answer = await peers.ask(node, { session }, PATIENCE).catch(() => undefined);
  if (!isObject(answer)) return { value: 0, complete: false };
  if (typeof answer.full === 'string') throw new NoRoomError(answer.full);
  return { value: Number(answer.value), complete: answer.complete === true };
}
