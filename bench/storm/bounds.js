/** Clients of each kind. */
export const CLIENTS = 2_000;
/** `limits.handshakes` of the server. */
export const RATE = 200;
/** Most sessions in any second. */
export const MOST = 1.1 * RATE;
/** Bound of the 99th percentile of the event-loop delay. Milliseconds. */
export const MAX_DELAY = 100;
/** All clients are back within this time. Milliseconds. */
export const MAX_TIME = 30_000;
