/** Most CPU of Redis for a publish to three nodes that want it, at so many in flight. Microseconds. */
export const MOST_CPU = new Map([
  [32, 12],
  [8, 20],
]);

/** Largest ratio of what a publish costs Redis with many sessions, or many other patterns, to that with few. */
export const MOST_RATIO = 1.2;

/** Most time of a publish to a local and two remote nodes at 1 in flight, the median. Milliseconds. */
export const MOST_TIME = 1;

/** Least publishes a second from one node. */
export const LEAST_RATE = 20_000;
