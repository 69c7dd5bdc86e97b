/** Limits of the soak. If one is exceeded, its exit code is 1. */

/** Events that may wait for one session, by the rules of the channels. */
export const MAX_WAITING = 1000;

/** Largest ratio of the fast readers' p99 with slow readers to that without. */
export const MAX_RATIO = 1.3;

/** Most memory that the server may use in addition for slow readers. Mostly garbage that is collected late. Bytes. */
export const MAX_GROWTH = 64 << 20;
