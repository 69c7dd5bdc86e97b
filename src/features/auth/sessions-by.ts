import type { ServedSession } from '../../ports/feature.ts';

/** Sessions by a key. Most keys have one session, which is stored without a set to save memory. */
export class SessionsBy {
  readonly #sessions = new Map<string, ServedSession | Set<ServedSession>>();

  add(key: string, session: ServedSession): void {
    const known = this.#sessions.get(key);
    if (known === undefined) this.#sessions.set(key, session);
    else if (known instanceof Set) known.add(session);
    else this.#sessions.set(key, new Set([known, session]));
  }

  remove(key: string, session: ServedSession): void {
    const known = this.#sessions.get(key);
    if (known instanceof Set) {
      known.delete(session);
      if (known.size > 0) return;
    } else if (known !== session) return;
    this.#sessions.delete(key);
  }

  /** Returns a copy: sessions may be removed while the caller reads it. */
  of(key: string): readonly ServedSession[] {
    const known = this.#sessions.get(key);
    if (known === undefined) return [];
    return known instanceof Set ? [...known] : [known];
  }
}
