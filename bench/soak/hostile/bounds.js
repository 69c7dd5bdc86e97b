/** Limits of the soak with hostile clients. If one is exceeded, its exit code is 1. */

/** Largest ratio of the honest clients' p99 beside hostile clients to that without, on each transport. */
export const MAX_RATIO = 1.5;

/** Most CPU time of the server for hostile clients, which slow down above it. Share of one core. */
export const HOSTILE_SHARE = 0.25;

/** Most memory, after a collection, that the server may hold in addition because of hostile clients. Bytes. */
export const MAX_GROWTH = 64 << 20;

/** Largest slope of that memory. Bytes per minute. */
export const MAX_SLOPE = 1 << 20;

/** Minutes beside hostile clients before memory counts for the slope: their number must be steady. */
export const SETTLING = 2;

/** Fewest samples for a slope. */
export const MIN_SAMPLES = 4;

/** Share of a core that other processes use, above which the report says that the machine is too busy. */
export const BUSY = 0.2;
