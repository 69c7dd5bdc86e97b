/** A random time between once and twice `ms`, so that clients that were refused together do not come back together. */
export function spread(ms: number): number {
  return Math.ceil(ms * (1 + Math.random()));
}
