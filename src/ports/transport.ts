import type { TransportName } from './conduit.ts';

/** The times a session lives by. Milliseconds. */
export interface Timing {
  /** How long a connect is held. */
  readonly timeout: number;
  /** Pause between a connect reply and the next connect. */
  readonly interval: number;
  /** Silence allowed after that before the session expires. */
  readonly maxInterval: number;
}

/** A way by which clients come, as the server has to know it. Its conduits carry its name. */
export interface Transport {
  readonly name: TransportName;
  /** Those of `long-polling` if absent. Where sessions live by their conduit none is asked for. */
  readonly timing?: Timing;
  /** Whether Bayeux clients are offered it as a connection type. */
  readonly offered: boolean;
  /**
   * What keeps a session alive. `connects`: its client has to connect again and again, on any transport. `conduit`: the session is
   * there as long as its conduit is, and ends with it; when the session ends, so does the conduit.
   */
  readonly livesBy: 'connects' | 'conduit';
  /** Whether events leave with connect replies only. */
  readonly deliverOnly?: boolean;
}
