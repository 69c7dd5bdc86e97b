import type { Log } from '../lib/log.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Directory, Lists } from './directory.ts';
import type { HistoryStore, Retention, StoredEvent } from './history-store.ts';
import type { OutgoingEvent } from './outgoing-event.ts';
import type { Peers } from './peers.ts';
import type { RefusalNotes } from './refusal-notes.ts';

/** An event on its way between nodes. What travels is made and read by `encodeEnvelope` and `decodeEnvelope`. */
export interface Publication {
  readonly event: OutgoingEvent;
  /** Public id of the session that published it; absent when the server did. */
  readonly from?: string;
  /** Whether the publisher is left out (PB-5). */
  readonly notToPublisher?: boolean;
  /** Public ids of the sessions it is for, whoever subscribes. Absent where the channel decides. */
  readonly to?: readonly string[];
  /** Counts receivers for the server that published it. An engine hands it on there, with the rest, and nowhere else. */
  readonly receipt?: Receipt;
}

/** Queues an event for sessions, and counts them. */
export interface Receipt {
  queue(event: OutgoingEvent, receivers: readonly Receiver[]): void;
}

/** A session for which events are queued. */
export interface Receiver {
  queue(event: OutgoingEvent): boolean;
}

/**
 * `open`: the node reaches the others. `away`: it does not now, and the engine tries. `closed`: it never will again, unless the
 * server is started anew.
 */
export type EngineState = 'open' | 'away' | 'closed';

/** What may be missing: so many entries of a log, or nobody can say. */
export type Missed = 'unknown' | { readonly log: string; readonly entries: number };

/** What an engine calls on its server. The functions need no `this`, and none of them throws, or waits. */
export interface NodeSide {
  /** How long a call may wait while the engine is away; then it has to reject. Milliseconds. */
  readonly timeout: number;
  /** Queues a publication for the sessions of this node, in the engine's order. */
  readonly deliver: (publication: Publication) => void;
  /** Something may be missing before what comes next: sessions with subscriptions are told of a gap. */
  readonly missed: (what: Missed) => void;
  /** An engine is `open` from its `open` on, until it says otherwise. `why` is for the log. */
  readonly state: (state: EngineState, why?: string) => void;
  /** For the log: what the operator should know and change. The same sentence is logged once a minute at most. */
  readonly warn: (why: string) => void;
  /** The log of the server, for what happens rarely, such as a link to another node that opens. */
  readonly log: Log;
  /** Logs and counts what the engine refuses, such as another node that does not know a secret. */
  readonly refusals: RefusalNotes;
}

/** Nobody got the publication, or no interest is in force. The message says why, for the operator of the server. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';
}

/** Carries publications to every node of a cluster. One object serves one server, once. */
export interface Engine {
  /** The name of this node, with which all its ids begin (HS-8): `newNode()` makes one. Another after each start. */
  readonly node: string;
  /** Resolves when publications are carried. */
  open(side: NodeSide): Promise<void>;
  /**
   * Delivers here, exactly once, before it returns or resolves. By then it is sure to reach every node whose interest was in force
   * when it was called. Rejects with `EngineUnavailable` when nobody got it, and only then.
   */
  publish(publication: Publication): MaybePromise<void>;
  /** In force when it resolves, for publications begun after that. Calls for one pattern take effect in the order made. */
  interest(pattern: string, wanted: boolean): MaybePromise<void>;
  /** Nothing is delivered afterwards. */
  close(): Promise<void>;
  /** A history of all nodes, where the engine stores events and carries them in one step. */
  readonly history?: CarriedHistory;
  /** The other nodes; absent on a node of its own. */
  readonly peers?: Peers;
  /** Groups and rosters of all nodes. If absent, each node has its own. */
  readonly lists?: Lists;
  /** Makes the directory of the cluster from that of this node. If absent, the server asks the peers, and takes `lists`. */
  directory?(local: Directory): Directory;
}

/** Makes the event that subscribers of a durable channel get: with its id, and the time when it was stored. */
export type Stamp = (event: OutgoingEvent, stored: Pick<StoredEvent, 'id' | 'at'>) => OutgoingEvent;

/**
 * The events of all nodes in one store. `append` is for records, which nobody is brought. `newest` is at least as high as it was in the
 * store when the last `range` was read.
 */
export interface CarriedHistory extends HistoryStore {
  /** Called once, before `open`. Each node delivers events of durable channels as the stamp makes them. */
  stampWith(stamp: Stamp): void;
  /**
   * Stores an event and carries it, in place of `publish`. Each node is brought events in order of id. Resolves when this node has
   * delivered it. Rejects with `EngineUnavailable` when it is not stored and nobody got it, and only then.
   */
  record(publication: Publication, retention: Retention): Promise<StoredEvent>;
}
