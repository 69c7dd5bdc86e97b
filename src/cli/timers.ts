/** Limits after which the server closes a connection. Milliseconds. */
export interface Timers {
  /** Idle time between two requests. */
  readonly keepAliveTimeout: number;
  readonly headersTimeout: number;
  /** For a request with its body. */
  readonly requestTimeout: number;
  /** How often Node checks these limits. */
  readonly connectionsCheckingInterval: number;
}
