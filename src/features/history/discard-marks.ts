/** Most parents with an id of their own. The ids of those that changed longest ago count for all channels. */
const MAX_PARENTS = 1000;

/**
 * The highest id discarded from forgotten channels (RP-14), by the parent of the channel: `/a` for `/a/b`. So
 * a forgotten channel makes only replays of channels with the same parent unproven.
 */
export class DiscardMarks {
  #everywhere: number;
  readonly #byParent = new Map<string, number>();

  /** Up to `everywhere`, events of any channel may have been discarded. */
  constructor(everywhere: number) {
    this.#everywhere = everywhere;
  }

  /** Notes a forgotten channel, whose events up to `id` were discarded. */
  raise(name: string, id: number): void {
    const parent = parentOf(name);
    const raised = Math.max(this.#byParent.get(parent) ?? 0, id);
    this.#byParent.delete(parent);
    this.#byParent.set(parent, raised);
    if (this.#byParent.size > MAX_PARENTS) this.#join();
  }

  /** The highest id that may have been discarded from a forgotten channel that a name or pattern matches. */
  of(pattern: string): number {
    const parent = parentOf(pattern);
    const here = Math.max(this.#everywhere, this.#byParent.get(parent) ?? 0);
    return pattern.endsWith('/**') ? this.#below(`${parent}/`, here) : here;
  }

  #below(above: string, here: number): number {
    let highest = here;
    for (const [parent, id] of this.#byParent) if (id > highest && parent.startsWith(above)) highest = id;
    return highest;
  }

  #join(): void {
    const [first] = this.#byParent;
    if (first === undefined) return;
    this.#byParent.delete(first[0]);
    this.#everywhere = Math.max(this.#everywhere, first[1]);
  }
}

const parentOf = (name: string) => name.slice(0, name.lastIndexOf('/'));
