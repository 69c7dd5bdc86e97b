import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Conduit } from './conduit.ts';
import type { PeerQuestion } from './peer-question.ts';

/** Another node of the cluster. */
export interface NodeInfo {
  /** Its tag: 8 alphanumeric characters, with which all ids that it makes begin (HS-8). A restarted process is another node. */
  readonly name: string;
  /** Where its link listens, as `host:port` or as the path of a socket file; absent if it takes no links. */
  readonly link?: string;
}

/** The other nodes of a cluster. */
export interface Peers {
  /** Names of those that live, as far as this node knows. */
  readonly nodes: readonly string[];
  /** The answer of a node. Rejects when there is none within `ms` milliseconds. */
  ask(node: string, question: PeerQuestion, ms: number): Promise<unknown>;
  /** Answers the questions of other nodes from now on. Called once, before `open`. */
  serve(answer: (question: PeerQuestion) => MaybePromise<unknown>): void;
}

/** The part of a server that other nodes use. None of these functions throws. */
export interface PeerHandler {
  /** Carries out a batch that came to another node. It is not forwarded again. */
  receive(batch: string, conduit: Conduit): MaybePromise<void>;
  /** Attaches a stream that came to another node to the session with this clientId. False if the session may not have one. */
  join(clientId: string, conduit: Conduit): boolean;
  /** The client of a conduit is gone, or the link to the node that it came to. */
  lost(conduit: Conduit): void;
  answer(question: PeerQuestion): MaybePromise<unknown>;
}

/** The other nodes of a cluster, as a server uses them that has its sessions' requests forwarded. */
export interface LinkPeers {
  /** By name, without this node. */
  readonly nodes: ReadonlyMap<string, NodeInfo>;
  /**
   * Has another node carry out a batch, and writes what it answers to the conduit. Batches for one node keep their order. Resolves
   * when the batch is on its way; for a socket, when it was carried out. Ends the conduit if the connection to the node breaks
   * then. Rejects with `UnreachableError` only if the batch surely did not begin.
   */
  forward(node: string, batch: string, conduit: Conduit): Promise<void>;
  /** As `PeerHandler.join`, on another node. Rejects with `UnreachableError`. */
  join(node: string, clientId: string, conduit: Conduit): Promise<boolean>;
  /** The client of a conduit is gone: tells the nodes that serve it. */
  lost(conduit: Conduit): void;
  /** Rejects with `UnreachableError` if no answer comes in `ms` milliseconds, or if the node cannot answer. */
  ask(node: string, question: PeerQuestion, ms: number): Promise<unknown>;
  /** Sets what the other nodes use of this server. Called once, before anything comes. */
  serve(handler: PeerHandler): void;
}

/** A node cannot be reached, and did not begin what it was asked for. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
