import type { Groups } from '../ports/directory.ts';

/** The groups of a single node. */
export class LocalGroups implements Groups {
  readonly #groups = new Map<string, Set<string>>();

  add(group: string, user: string): void {
    const members = this.#groups.get(group);
    if (members === undefined) this.#groups.set(group, new Set([user]));
    else members.add(user);
  }

  remove(group: string, user: string): void {
    const members = this.#groups.get(group);
    members?.delete(user);
    if (members?.size === 0) this.#groups.delete(group);
  }

  members(group: string): readonly string[] {
    return [...(this.#groups.get(group) ?? [])];
  }
}
