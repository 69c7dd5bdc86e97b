// An id carries the time, so that it is enough to know the ids: a thousand of them begin in each millisecond.
const IN_A_MILLISECOND = 1000;

/** The lowest id of a time. Epoch milliseconds. */
export function idsFrom(time: number): number {
  return Math.ceil(time) * IN_A_MILLISECOND;
}

/** The id after `newest`, at this time: above all that a copy of the store, or a lost one, may have issued before. */
export function nextId(newest: number, now: number): number {
  return Math.max(newest + 1, Math.floor(now) * IN_A_MILLISECOND);
}

/** When an id was issued; never before the one issued before it. Epoch milliseconds. */
export function timeOf(id: number): number {
  return Math.floor(id / IN_A_MILLISECOND);
}
