const none: readonly never[] = [];

/** The objects that have a value under this name, or under `other`, in their order. All empty lists are the same one. */
export function having<T extends object>(all: readonly T[], name: keyof T, other = name): readonly T[] {
  let found: T[] | undefined;
  for (const one of all) {
    if (one[name] === undefined && one[other] === undefined) continue;
    found ??= [];
    found.push(one);
  }
  return found ?? none;
}
