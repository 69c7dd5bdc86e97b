/** The `limit` items with the highest ids of several lists, in order of id. */
export function newest<T extends { readonly id: number }>(
  lists: Iterable<readonly T[]>,
  limit: number,
): readonly T[] {
  let kept: T[] = [];
  for (const list of lists) {
    kept.push(...list);
    if (kept.length > 2 * limit + list.length) kept = highest(kept, limit);
  }
  return highest(kept, limit);
}

function highest<T extends { readonly id: number }>(items: readonly T[], limit: number): T[] {
  return items.toSorted((one, other) => one.id - other.id).slice(-limit);
}
