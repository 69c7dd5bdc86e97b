/**
 * A crowd in one channel, of which all view who is there, while some come and as many go.
 *
 * @typedef {{ mode: 'total' | 'full', users: number, perSecond: number, maxShare?: number }} Crowd
 */

/** @type {readonly Crowd[]} */
export const CROWDS = [
  { mode: 'total', users: 10_000, perSecond: 50, maxShare: 0.05 },
  { mode: 'full', users: 1_000, perSecond: 10 },
];

/** How long each crowd is measured, once without presence and once with it. Seconds. */
export const SECONDS = 20;
/** How long a user who left stays listed. Milliseconds. */
export const GRACE = 2_000;
