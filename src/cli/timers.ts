/** When connections are cut. Milliseconds. */
export interface Timers {
  /** Silence between two requests. */
  readonly keepAliveTimeout: number;
  readonly headersTimeout: number;
  /** A whole request, its body included. */
  readonly requestTimeout: number;
  /** How often Node looks for requests that are late. */
  readonly connectionsCheckingInterval: number;
}
