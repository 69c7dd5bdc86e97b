import type { Attendee, PresentUser, Roster, RosterChange, Rosters, RosterSize } from '../ports/directory.ts';
import type { JsonObject } from '../protocol/message.ts';

const empty: RosterSize = { seq: 0, total: 0 };

type Listener = (change: RosterChange) => void;

/** The rosters of a single node. */
export class LocalRosters implements Rosters {
  readonly #rosters = new Map<string, LocalRoster>();

  enter(name: string, attendee: Attendee, inPlaceOf?: string): void {
    this.#of(name).enter(attendee, inPlaceOf);
  }

  linger(name: string, attendee: Attendee): void {
    this.#rosters.get(name)?.linger(attendee);
  }

  leave(name: string, attendee: Attendee): void {
    const roster = this.#rosters.get(name);
    roster?.leave(attendee);
    this.#drop(name, roster);
  }

  read(name: string): Roster {
    return this.#rosters.get(name)?.read() ?? { ...empty, users: [] };
  }

  size(name: string): RosterSize {
    return this.#rosters.get(name)?.count ?? empty;
  }

  watch(name: string, listener: Listener): () => void {
    const roster = this.#of(name);
    roster.listeners.add(listener);
    return () => {
      if (roster.listeners.delete(listener)) this.#drop(name, roster);
    };
  }

  #of(name: string): LocalRoster {
    const known = this.#rosters.get(name);
    if (known !== undefined) return known;
    const roster = new LocalRoster();
    this.#rosters.set(name, roster);
    return roster;
  }

  // While somebody watches, the numbers of changes go on.
  #drop(name: string, roster: LocalRoster | undefined): void {
    if (roster?.size === 0 && roster.listeners.size === 0) this.#rosters.delete(name);
  }
}

interface Entry {
  readonly since: number;
  readonly sessions: Set<string>;
  /** Those of the sessions that have gone, if there were any. */
  lingering: Set<string> | undefined;
  info: JsonObject | undefined;
}

class LocalRoster {
  readonly listeners = new Set<Listener>();
  readonly #entries = new Map<string, Entry>();
  readonly #untold: RosterChange[] = [];
  #seq = 0;

  get size(): number {
    return this.#entries.size;
  }

  enter({ id, session, info, since }: Attendee, inPlaceOf: string | undefined): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      const made = { since, info, sessions: new Set([session]), lingering: undefined };
      this.#entries.set(id, made);
      this.#tell('join', userOf(id, made));
      return;
    }
    const before = entry.sessions.size;
    makeRoom(entry, session, inPlaceOf);
    entry.sessions.add(session);
    const isSame = entry.sessions.size === before && isEqual(entry.info, info);
    entry.info = info;
    if (!isSame) this.#tell('update', userOf(id, entry));
  }

  linger({ id, session }: Attendee): void {
    const entry = this.#entries.get(id);
    if (entry?.sessions.has(session) !== true) return;
    entry.lingering ??= new Set();
    entry.lingering.add(session);
  }

  leave({ id, session }: Attendee): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || !remove(entry, session)) return;
    const isGone = entry.sessions.size === 0;
    if (isGone) this.#entries.delete(id);
    this.#tell(isGone ? 'leave' : 'update', userOf(id, entry));
  }

  get count(): RosterSize {
    return { seq: this.#seq, total: this.size };
  }

  read(): Roster {
    return { ...this.count, users: Array.from(this.#entries, ([id, entry]) => userOf(id, entry)) };
  }

  #tell(type: RosterChange['type'], user: PresentUser): void {
    this.#seq += 1;
    this.#untold.push({ type, user, total: this.size, seq: this.#seq });
    // A listener may cause the next change. All listeners are told of this one first.
    if (this.#untold.length > 1) return;
    for (const change of this.#untold) for (const listener of this.listeners) listener(change);
    this.#untold.length = 0;
  }
}

// Takes out the session whose place the new one takes.
function makeRoom(entry: Entry, session: string, inPlaceOf: string | undefined): void {
  const isListed = entry.sessions.has(session);
  entry.lingering?.delete(session);
  if (inPlaceOf !== undefined && remove(entry, inPlaceOf)) return;
  const [first] = entry.lingering ?? [];
  if (!isListed && first !== undefined) remove(entry, first);
}

function remove({ sessions, lingering }: Entry, session: string): boolean {
  lingering?.delete(session);
  return sessions.delete(session);
}

function userOf(id: string, { info, since, sessions }: Entry): PresentUser {
  return { id, ...(info !== undefined && { info }), since, sessions: sessions.size };
}

function isEqual(one: JsonObject | undefined, other: JsonObject | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
