import type { TransportName } from '../ports/conduit.ts';
import type { ResolvedOptions } from './options/options.ts';

/** The times a session lives by. Milliseconds. */
export interface Timing {
  /** How long a connect is held. */
  readonly timeout: number;
  /** Pause between a connect reply and the next connect. */
  readonly interval: number;
  /** Silence allowed after that before the session expires. */
  readonly maxInterval: number;
}

const forever: Timing = {
  timeout: Number.POSITIVE_INFINITY,
  interval: 0,
  maxInterval: Number.POSITIVE_INFINITY,
};

/** The times of each transport. */
export class Timings {
  readonly #byTransport: Record<TransportName, Timing>;
  readonly #deliverOnly: Record<TransportName, boolean>;

  constructor({ websocket, eventSource, longPolling, callbackPolling, ...options }: ResolvedOptions) {
    this.#byTransport = {
      websocket,
      // ES-6: its interval is its timeout.
      eventsource: { ...eventSource, interval: 0 },
      'long-polling': longPolling,
      'cross-origin-long-polling': longPolling,
      'callback-polling': callbackPolling,
      'in-process': forever,
    };
    this.#deliverOnly = {
      websocket: websocket.metaConnectDeliverOnly,
      eventsource: options.metaConnectDeliverOnly,
      'long-polling': longPolling.metaConnectDeliverOnly,
      'cross-origin-long-polling': longPolling.metaConnectDeliverOnly,
      // CP-5.
      'callback-polling': true,
      'in-process': false,
    };
  }

  of(transport: TransportName): Timing {
    return this.#byTransport[transport];
  }

  /** Whether events travel on this transport with connect replies only (CN-14). */
  deliverOnly(transport: TransportName): boolean {
    return this.#deliverOnly[transport];
  }
}
