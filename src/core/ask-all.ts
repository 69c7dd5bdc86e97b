import type { Peers } from '../ports/peers.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';

/** How long a node may take to answer. Milliseconds. */
export const PATIENCE = 500;

/** Asks all other nodes. Undefined for one that did not answer. */
export function askAll(peers: Pick<Peers, 'nodes' | 'ask'>, question: PeerQuestion): Promise<unknown[]> {
  return Promise.all(peers.nodes.map((node) => peers.ask(node, question, PATIENCE).catch(() => undefined)));
}
