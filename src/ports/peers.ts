import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Conduit } from './conduit.ts';
import type { PeerQuestion } from './peer-question.ts';

/** The other nodes of a cluster. */
export interface Peers {
  /** Names of those that live, as far as this node knows. */
  readonly nodes: readonly string[];
  /** The answer of a node. Rejects when there is none within `ms` milliseconds. */
  ask(node: string, question: PeerQuestion, ms: number): Promise<unknown>;
  /** Sets what the other nodes use of this server. Called once, before `open`. */
  serve(handler: PeerHandler): void;
  /** Has other nodes carry out requests for their sessions. If absent, each client has to come to the node of its session. */
  readonly forwarder?: Forwarder;
  /** Names of the nodes to which there is a link now; absent where this node has no links. */
  readonly linked?: readonly string[] | undefined;
  /** Requests of clients since the start: `out` were carried out by other nodes, `in` for them. Absent where none is forwarded. */
  readonly forwarded?: { readonly out: number; readonly in: number } | undefined;
}

/** Takes requests that came here to the nodes of their sessions. */
export interface Forwarder {
  /** Whether there is a node with this name, and requests can be forwarded to it. */
  reaches(node: string): boolean;
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
}

/** The part of a server that other nodes use. None of these functions throws. */
export interface PeerHandler {
  answer(question: PeerQuestion): MaybePromise<unknown>;
  /** Carries out a batch that came to another node. It is not forwarded again. */
  receive(batch: string, conduit: Conduit): MaybePromise<void>;
  /** Attaches a stream that came to another node to the session with this clientId. False if the session may not have one. */
  join(clientId: string, conduit: Conduit): boolean;
  /** The client of a conduit is gone, or the connection to the node that it came to. */
  lost(conduit: Conduit): void;
}

/** A node cannot be reached, and did not begin what it was asked for. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
