import type { ServedSession } from '../../ports/feature.ts';

/** Sessions by a text. Most texts have one session, and then there is no set for it. */
export class SessionsBy {
  readonly #sessions = new Map<string, ServedSession | Set<ServedSession>>();

  add(text: string, session: ServedSession): void {
    const known = this.#sessions.get(text);
    if (known === undefined) this.#sessions.set(text, session);
    else if (known instanceof Set) known.add(session);
    else this.#sessions.set(text, new Set([known, session]));
  }

  remove(text: string, session: ServedSession): void {
    const known = this.#sessions.get(text);
    if (known instanceof Set) {
      known.delete(session);
      if (known.size > 0) return;
    } else if (known !== session) return;
    this.#sessions.delete(text);
  }

  /** A copy: sessions may end while it is read. */
  of(text: string): readonly ServedSession[] {
    const known = this.#sessions.get(text);
    if (known === undefined) return [];
    return known instanceof Set ? [...known] : [known];
  }
}
