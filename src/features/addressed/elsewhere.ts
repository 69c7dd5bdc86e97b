import type { PeersAbout } from '../../ports/feature.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { isTexts } from '../../lib/texts.ts';

/** How long another node may take: it waits for its connections meanwhile. Milliseconds. */
const PATIENCE = 750;

/** A message for sessions of another node. Plain JSON. */
export interface Parcel {
  readonly channel: string;
  /** As the receivers get it. */
  readonly data: JsonObject;
  /** The id of the message; absent for a copy, which nobody follows. */
  readonly message?: string;
  readonly volatile: boolean;
  /** Whether it is kept for users who do not get it now. */
  readonly keeps: boolean;
  /** Public id of the session that wants to know when it was read. */
  readonly reader?: string;
}

/** What became of a message on other nodes, by user. */
export interface Elsewhere {
  readonly delivered: readonly string[];
  readonly queued: readonly string[];
  /** Users whose session there has to get older messages first. */
  readonly behind: readonly string[];
  /** The nodes that have answered. */
  readonly nodes: readonly string[];
}

const nowhere: Elsewhere = { delivered: [], queued: [], behind: [], nodes: [] };

/** The public ids of sessions by their node, without those of this one. */
function byNode(ids: readonly string[], { nodes }: PeersAbout): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const id of ids) {
    const node = nodeOf(id, nodes);
    if (node !== undefined) found.set(node, [...(found.get(node) ?? []), id]);
  }
  return found;
}

/** The other node of a session. */
export function nodeOf(session: string, nodes: readonly string[]): string | undefined {
  return nodes.find((node) => session.startsWith(node));
}

/** Takes a message to the nodes of these sessions. A node that does not answer counts as one without a session of the users. */
export async function deliverElsewhere(
  ids: readonly string[],
  parcel: Parcel,
  peers: PeersAbout,
): Promise<Elsewhere> {
  const asked = Array.from(byNode(ids, peers), async ([node, sessions]) => {
    const question = { deliver: { ...parcel, sessions } };
    const answer = await peers.ask(node, question, PATIENCE).catch(() => undefined);
    return answerOf(answer, node);
  });
  const all = await Promise.all(asked);
  return {
    delivered: all.flatMap(({ delivered }) => delivered),
    queued: all.flatMap(({ queued }) => queued),
    behind: all.flatMap(({ behind }) => behind),
    nodes: all.flatMap(({ nodes }) => nodes),
  };
}

/** Reads what another node asks for; undefined for a question that is none. */
export function readParcel(value: unknown): (Parcel & { readonly sessions: readonly string[] }) | undefined {
  if (!isObject(value)) return undefined;
  const { channel, data, message, volatile, keeps, reader, sessions } = value;
  if (typeof channel !== 'string' || !isObject(data) || !isTexts(sessions)) return undefined;
  return {
    ...{ channel, data, sessions, volatile: volatile === true, keeps: keeps === true },
    ...(typeof message === 'string' && { message }),
    ...(typeof reader === 'string' && { reader }),
  };
}

function answerOf(answer: unknown, node: string): Elsewhere {
  if (!isObject(answer)) return nowhere;
  const { delivered, queued, behind } = answer;
  if (!isTexts(delivered) || !isTexts(queued) || !isTexts(behind)) return nowhere;
  return { delivered, queued, behind, nodes: [node] };
}
