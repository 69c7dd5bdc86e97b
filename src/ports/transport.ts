import type { TransportName } from './conduit.ts';

/** Times of a session. Milliseconds. */
export interface Timing {
  /** How long a connect is held. */
  readonly timeout: number;
  /** Pause between a connect reply and the next connect. */
  readonly interval: number;
  /** Silence allowed after `interval` before the session expires. */
  readonly maxInterval: number;
}

/** A transport, as far as the server has to know it. Its conduits carry its name. */
export interface Transport {
  readonly name: TransportName;
  /** Absent means those of `long-polling`. Not used with `livesBy: 'conduit'`. */
  readonly timing?: Timing;
  /** Whether handshake replies offer it as a connection type. */
  readonly offered: boolean;
  /**
   * How sessions stay alive. `connects`: the client connects again and again, on any transport. `conduit`:
   * the session and its conduit end together.
   */
  readonly livesBy: 'connects' | 'conduit';
  /** Whether events leave with connect replies only. */
  readonly deliverOnly?: boolean;
}
