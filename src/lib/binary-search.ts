/** Index of the first id above `id` in an ascending list, searched from index `from`; the length if there is none. */
export function firstAbove(id: number, ids: readonly number[], from: number): number {
  let [low, high] = [from, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? id) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
