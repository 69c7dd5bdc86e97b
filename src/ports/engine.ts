import type { Log } from '../lib/log.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Directory, Lists } from './directory.ts';
import type { HistoryStore, Retention, StoredEvent } from './history-store.ts';
import type { OutgoingEvent } from './outgoing-event.ts';
import type { Peers } from './peers.ts';
import type { RefusalNotes } from './refusal-notes.ts';
import type { Shared } from './shared.ts';

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

/** What a node tells the others of itself. Plain JSON. */
export interface NodeFacts {
  /** The version of bayeuxd; absent where it is not known. */
  readonly version?: string;
  /** When the server was made. Milliseconds since the epoch. */
  readonly started: number;
  /** `draining`: it sends its sessions to other nodes. `away`: its engine does not reach the others. */
  readonly state: 'open' | 'draining' | 'away' | 'closed';
  /** Open sessions. */
  readonly sessions: number;
}

/** How an engine is on its node. Plain JSON. Counts are those since the start. */
export interface EngineStatus {
  /** The lowest and the highest format of other nodes that this one reads. */
  readonly formats: readonly [min: number, max: number];
  /** Publications that wait to be carried, or for their outcome. */
  readonly waiting: number;
  /** What was written for this node and was not read yet, and the age of the oldest part. */
  readonly lag: { readonly entries: number; readonly ms: number };
  /** Time since the other nodes last heard that this one lives. Milliseconds; absent before the first time. */
  readonly sinceBeat?: number;
  /** Commands that failed or got no answer. */
  readonly failures: number;
  /** Connections that were opened again. */
  readonly reconnects: number;
  /** The latest trouble in words, for an operator. `at`: milliseconds since the epoch. */
  readonly trouble?: { readonly why: string; readonly at: number };
}

/** What is known of one node. Plain JSON. A part that is not known is absent. */
export interface NodeStatus
  extends Partial<NodeFacts>,
    Partial<Pick<EngineStatus, 'formats' | 'lag' | 'sinceBeat' | 'trouble'>> {
  readonly node: string;
}

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
  /** What the other nodes may be told of this one. Absent where nothing is known of the server. */
  readonly facts?: () => NodeFacts;
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
  /** What all nodes keep together: rates, answers, marks. If absent, each node has its own. */
  readonly shared?: Shared;
  /** Makes the directory of the cluster from that of this node. If absent, the server asks the peers, and takes `lists`. */
  directory?(local: Directory): Directory;
  /** How the engine is on this node. Asked for each view and scrape: it is at hand, and nothing is sent for it. */
  status?(): EngineStatus;
  /** The other nodes, as each last told of itself. If absent, the names of the peers are all that is known. */
  nodes?(): readonly NodeStatus[];
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
