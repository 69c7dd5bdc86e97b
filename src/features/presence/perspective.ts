import type { PresentUser, Roster, RosterSize } from '../../ports/directory.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { type Delta, snapshotOf, totalEvent } from './delta.ts';

/** What one viewer learns of a roster. */
export interface Perspective {
  /** Whether `open` needs the number of users only. */
  readonly countsOnly: boolean;
  /** The events of a fresh snapshot. */
  open(roster: Roster): readonly OutgoingEvent[];
  /** The event that tells of a change that the viewer does not know, if it is told now. */
  after(delta: Delta): OutgoingEvent | undefined;
  /** The event that tells the number, if it is another than the viewer was told. */
  due?(): OutgoingEvent | undefined;
  /** The viewer is gone. */
  close?(): void;
}

/** Gives the events of a snapshot that all viewers share. */
export type SharedSnapshot = (roster: Roster) => readonly OutgoingEvent[];

/** All users and each change, as everybody sees them. */
export class Full implements Perspective {
  readonly countsOnly = false;
  readonly #snapshot: SharedSnapshot;

  constructor(snapshot: SharedSnapshot) {
    this.#snapshot = snapshot;
  }

  open(roster: Roster): readonly OutgoingEvent[] {
    return this.#snapshot(roster);
  }

  after({ full }: Delta): OutgoingEvent {
    return full;
  }
}

/** The number of users, as everybody sees it. */
export class Total implements Perspective {
  readonly countsOnly = true;
  readonly #channel: string;
  readonly #last: () => Delta | undefined;
  #told: RosterSize = { total: -1, seq: -1 };

  /** `last` gives the last change. */
  constructor(channel: string, last: () => Delta | undefined) {
    this.#channel = channel;
    this.#last = last;
  }

  open({ total, seq }: Roster): readonly OutgoingEvent[] {
    this.#told = { total, seq };
    return [totalEvent(this.#channel, total, seq)];
  }

  after(): undefined {}

  due(): OutgoingEvent | undefined {
    const last = this.#last();
    if (last === undefined || last.change.seq <= this.#told.seq) return undefined;
    const isSame = last.change.total === this.#told.total;
    this.#told = last.change;
    return isSame ? undefined : last.total;
  }
}

/** Decides whether the viewer sees a user, and keeps the memory of that. */
export interface Eye {
  sees(user: PresentUser): boolean;
  /** Another user is shown, or `by` users less if negative. False if there is no memory for more. */
  count(by: number): boolean;
}

/** The users that one viewer sees, of all that are present. */
class Shown {
  readonly #eye: Eye;
  readonly #ids = new Set<string>();

  constructor(eye: Eye) {
    this.#eye = eye;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** Begins anew with these users. Returns those that are shown. */
  reset(users: readonly PresentUser[]): readonly PresentUser[] {
    this.clear();
    return users.filter((user) => this.#eye.sees(user) && this.#add(user));
  }

  /** Follows a change. Returns how the viewer sees it; undefined if the viewer sees nothing of it. */
  follow({ change: { type, user } }: Delta): 'join' | 'leave' | 'update' | undefined {
    const was = this.#ids.has(user.id);
    if (type !== 'leave' && this.#eye.sees(user)) {
      if (was) return 'update';
      return this.#add(user) ? 'join' : undefined;
    }
    if (!was) return undefined;
    this.#ids.delete(user.id);
    this.#eye.count(-1);
    return 'leave';
  }

  clear(): void {
    this.#eye.count(-this.#ids.size);
    this.#ids.clear();
  }

  #add(user: PresentUser): boolean {
    if (!this.#eye.count(1)) return false;
    this.#ids.add(user.id);
    return true;
  }
}

/** The users that one viewer sees, and each change of them. Numbers count these alone. */
export class OwnFull implements Perspective {
  readonly countsOnly = false;
  readonly #channel: string;
  readonly #shown: Shown;
  #seq = 0;

  constructor(channel: string, eye: Eye) {
    this.#channel = channel;
    this.#shown = new Shown(eye);
  }

  open({ users }: Roster): readonly OutgoingEvent[] {
    return snapshotOf(this.#channel, this.#shown.reset(users), this.#seq);
  }

  close(): void {
    this.#shown.clear();
  }

  after(delta: Delta): OutgoingEvent | undefined {
    const type = this.#shown.follow(delta);
    if (type === undefined) return undefined;
    this.#seq += 1;
    // A user who is hidden from now on looks like one who left: nothing tells the two apart.
    const user = type === 'leave' ? { ...delta.change.user, sessions: 0 } : delta.change.user;
    const data = { type, user, total: this.#shown.size, seq: this.#seq };
    return new OutgoingEvent({ channel: this.#channel, data });
  }
}

/** The number of users that one viewer sees. */
export class OwnTotal implements Perspective {
  readonly countsOnly = false;
  readonly #channel: string;
  readonly #shown: Shown;
  #told = -1;
  #seq = 0;

  constructor(channel: string, eye: Eye) {
    this.#channel = channel;
    this.#shown = new Shown(eye);
  }

  open({ users }: Roster): readonly OutgoingEvent[] {
    this.#shown.reset(users);
    return [this.#event()];
  }

  after(delta: Delta): undefined {
    this.#shown.follow(delta);
  }

  due(): OutgoingEvent | undefined {
    if (this.#shown.size === this.#told) return undefined;
    this.#seq += 1;
    return this.#event();
  }

  close(): void {
    this.#shown.clear();
  }

  #event(): OutgoingEvent {
    this.#told = this.#shown.size;
    return totalEvent(this.#channel, this.#told, this.#seq);
  }
}
