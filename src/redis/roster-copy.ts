import type { PresentUser, Roster, RosterChange, RosterSize } from '../ports/directory.ts';

/** Changes that are kept while the roster is read; with more, it is read anew. */
const MAX_KEPT = 5000;

/** What a copy calls when a change is missing. */
export type Lost = () => void;

/** Hears of each change. */
export type RosterListener = (change: RosterChange) => void;

/**
 * The copy of a roster on a node that watches it. Changes come in the order of Redis, and listeners are told of them. After a loss the roster is
 * read anew, and listeners are told of the differences.
 *
 *             change                            lost     reading   read
 *  stale      dropped: the read will have it    -        reading   -
 *  reading    kept                              stale    -         current
 *  current    told; one too far ahead: stale    stale    -         -
 */
export class RosterCopy {
  readonly listeners = new Set<RosterListener>();
  readonly #lost: Lost;
  readonly #users = new Map<string, PresentUser>();
  readonly #untold: RosterChange[] = [];
  #state: 'stale' | 'reading' | 'current' = 'stale';
  #kept: RosterChange[] = [];
  #isKnown = false;
  // The last change in Redis that the copy has, and the number of the last one here: higher after a loss.
  #reached = 0;
  #seq = 0;
  #waiting: { readonly seq: number; readonly resolve: () => void }[] = [];

  constructor(lost: Lost) {
    this.#lost = lost;
  }

  /** Whether the roster was read at least once. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  get size(): RosterSize {
    return { seq: this.#seq, total: this.#users.size };
  }

  read(): Roster {
    return { ...this.size, users: [...this.#users.values()] };
  }

  /** Resolves when listeners were told of a change, by its number in Redis, or when the roster was read since. */
  told(seq: number): Promise<void> {
    if (this.#state === 'current' && seq <= this.#reached) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push({ seq, resolve }));
  }

  /** Something may be missing: the roster has to be read. */
  lose(): void {
    this.#state = 'stale';
    this.#kept = [];
  }

  /** The roster is being read from now on. */
  reading(): void {
    this.#state = 'reading';
    this.#kept = [];
  }

  /** Takes what was read, unless something was lost meanwhile. */
  renew({ seq, users }: Roster): void {
    if (this.#state !== 'reading') return;
    if (this.#isKnown) this.#tellDifferences(users);
    else this.#seq = seq;
    this.#users.clear();
    for (const user of users) this.#users.set(user.id, user);
    this.#isKnown = true;
    this.#reached = seq;
    this.#state = 'current';
    for (const change of this.#kept.splice(0)) this.take(change);
    this.#settle(Number.POSITIVE_INFINITY);
  }

  /** Takes a change that the mailbox brings. */
  take(change: RosterChange): void {
    if (this.#state === 'stale') return;
    if (this.#state === 'reading') {
      this.#kept.push(change);
      if (this.#kept.length > MAX_KEPT) this.#lost();
      return;
    }
    if (change.seq <= this.#reached) return;
    if (change.seq > this.#reached + 1) {
      this.#lost();
      return;
    }
    this.#reached = change.seq;
    this.#apply(change.type, change.user);
    this.#settle(change.seq);
  }

  /** Nobody waits any more. */
  close(): void {
    this.#settle(Number.POSITIVE_INFINITY);
  }

  #tellDifferences(users: readonly PresentUser[]): void {
    const there = new Set(users.map(({ id }) => id));
    for (const user of [...this.#users.values()])
      if (!there.has(user.id)) this.#apply('leave', { ...user, sessions: 0 });
    for (const user of users) {
      const known = this.#users.get(user.id);
      if (known === undefined) this.#apply('join', user);
      else if (!isSame(known, user)) this.#apply('update', user);
    }
  }

  #apply(type: RosterChange['type'], user: PresentUser): void {
    if (type === 'leave') this.#users.delete(user.id);
    else this.#users.set(user.id, user);
    this.#seq += 1;
    this.#untold.push({ type, user, total: this.#users.size, seq: this.#seq });
    // A listener may cause the next change. All listeners are told of this one first.
    if (this.#untold.length > 1) return;
    for (const change of this.#untold) for (const listener of this.listeners) listener(change);
    this.#untold.length = 0;
  }

  #settle(through: number): void {
    const due = this.#waiting.filter(({ seq }) => seq <= through);
    this.#waiting = this.#waiting.filter(({ seq }) => seq > through);
    for (const { resolve } of due) resolve();
  }
}

function isSame(one: PresentUser, other: PresentUser): boolean {
  return (
    one.sessions === other.sessions &&
    one.since === other.since &&
    JSON.stringify(one.info) === JSON.stringify(other.info)
  );
}
