/** What has to hold, or the soak ends with 1. */

/** Events that may wait for one session, by the channels' rules. */
export const MAX_WAITING = 1000;

/** How much worse the fast readers' p99 may become when slow ones join. */
export const MAX_RATIO = 1.3;

/** How much more memory the server may take for the slow ones, which is mostly the memory that is collected late. Bytes. */
export const MAX_GROWTH = 64 << 20;
