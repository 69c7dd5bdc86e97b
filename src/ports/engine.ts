import type { OutgoingEvent } from './outgoing-event.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

/** An event on its way between nodes; between processes it travels as `event.json`. */
export interface Publication {
  readonly event: OutgoingEvent;
  /** Public id of the session that published it; absent when the server did. */
  readonly from?: string;
  /** Whether the publisher is left out (PB-5). */
  readonly notToPublisher?: boolean;
}

/** Nobody got the publication, or no interest is in force. The message says why, for the operator of the server. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';
}

/** Carries publications to every node of a cluster. Local delivery happens exactly once, before `publish` returns or resolves. */
export interface Engine {
  open(deliver: (publication: Publication) => void): Promise<void>;
  publish(publication: Publication): MaybePromise<void>;
  /** Tells whether this node has subscribers for a pattern. Awaited before a subscribe is answered. */
  interest(pattern: string, wanted: boolean): MaybePromise<void>;
  close(): Promise<void>;
}
