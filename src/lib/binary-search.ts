/** Where the first of ascending ids stands that is above `id`, looked for from an index on; the end, if none does. */
export function firstAbove(id: number, ids: readonly number[], from: number): number {
  let [low, high] = [from, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? id) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
