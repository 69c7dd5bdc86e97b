// An id contains its time: each millisecond begins a thousand ids. So the time is not stored separately.
const IN_A_MILLISECOND = 1000;

/** The lowest id of a time. Epoch milliseconds. */
export function idsFrom(time: number): number {
  return Math.ceil(time) * IN_A_MILLISECOND;
}

/** The id after `newest`, at this time. It is above all ids that a copy of the store, or a lost store, issued before. */
export function nextId(newest: number, now: number): number {
  return Math.max(newest + 1, Math.floor(now) * IN_A_MILLISECOND);
}

/** When an id was issued; never before the one issued before it. Epoch milliseconds. */
export function timeOf(id: number): number {
  return Math.floor(id / IN_A_MILLISECOND);
}
