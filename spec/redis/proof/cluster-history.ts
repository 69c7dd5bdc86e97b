/** A publish of a client, or of a server. Times are milliseconds of one clock. */
export interface Published {
  /** Of the event: no two have the same. */
  readonly id: string;
  readonly channel: string;
  /** Who published it, one after another. */
  readonly by: string;
  readonly node: number;
  readonly at: number;
  readonly answer?: { readonly at: number; readonly isAccepted: boolean };
}

/** A subscription of a session. */
export interface Subscribed {
  readonly session: string;
  readonly pattern: string;
  /** When the subscribe was answered. */
  readonly from: number;
  /** When the client gave it up, by an unsubscribe or a disconnect. */
  readonly until?: number;
}

/** An event that a session got. */
export interface Received {
  readonly session: string;
  readonly id: string;
  readonly at: number;
  readonly replayId?: number;
}

/** A session was told that events are missing. */
export interface Gap {
  readonly session: string;
  readonly at: number;
}

/** A request of a client. */
export interface Asked {
  readonly by: string;
  readonly channel: string;
  readonly at: number;
  readonly answeredAt?: number;
  /** How long the client waits for the answer. Milliseconds. */
  readonly patience: number;
}

/** Something that was done to Redis, or to the connections of nodes. */
export interface Trouble {
  readonly is: string;
  readonly from: number;
  /** When all was well again. */
  readonly until: number;
  /** Whether what was accepted may be lost by it, so that sessions are told of a gap. */
  readonly mayLose: boolean;
}

/** A time in which the processor did something else: nodes, clients and the clock of this process stood still. */
export interface Stall {
  readonly at: number;
  readonly ms: number;
}

/** All that the clients of a cluster did and saw, each list in the order in which it happened. */
export interface ClusterHistory {
  readonly nodes: number;
  readonly published: readonly Published[];
  readonly subscribed: readonly Subscribed[];
  readonly received: readonly Received[];
  readonly gaps: readonly Gap[];
  readonly asked: readonly Asked[];
  readonly troubles: readonly Trouble[];
  readonly stalls: readonly Stall[];
}
