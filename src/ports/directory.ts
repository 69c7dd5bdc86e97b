import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { JsonObject } from '../protocol/message.ts';

/** Finds sessions by user and by channel. Promises allow for a directory of a whole cluster. */
export interface Directory {
  /** Public ids of the sessions of one user. */
  sessionsOf(user: string): MaybePromise<readonly string[]>;
  /** Public ids of the sessions an event on `channel` would reach. */
  members(channel: string): MaybePromise<Sum<readonly string[]>>;
  /** How many sessions an event on `channel` would reach; without a channel, how many there are. */
  count(channel?: string): MaybePromise<Sum<number>>;
  readonly groups: Groups;
  readonly rosters: Rosters;
}

/** The lists that nodes may keep together. */
export type Lists = Pick<Directory, 'groups' | 'rosters'>;

/** What all nodes have together. `complete` is false when a node did not answer: then its part is missing. */
export interface Sum<T> {
  readonly value: T;
  readonly complete: boolean;
}

/**
 * Lists of user ids under a name, which the application keeps. A user stays in a group while offline. Calls about one
 * group take effect in the order in which they are made.
 */
export interface Groups {
  /** Adding a user twice is no error. */
  add(group: string, user: string): MaybePromise<void>;
  /** Removing a user who is not in the group is no error. */
  remove(group: string, user: string): MaybePromise<void>;
  /** User ids, in the order in which they were added. */
  members(group: string): MaybePromise<readonly string[]>;
}

/** A session as a roster lists it. */
export interface Attendee {
  /** Identifies the entry: the id of the user, or of a session without a user its public id. */
  readonly id: string;
  /** The public id of the session. */
  readonly session: string;
  /** What others see of the user, if anything. */
  readonly info?: JsonObject;
  /** When the session came. Milliseconds since the epoch. */
  readonly since: number;
}

/** A user on a roster; a session without a user counts as one, by its public id. */
export interface PresentUser {
  readonly id: string;
  /** What others see of the user; absent for a session without a user. */
  readonly info?: JsonObject;
  /** When the first session of the user came. Milliseconds since the epoch. */
  readonly since: number;
  /** Sessions of the user on this roster. */
  readonly sessions: number;
}

/** How many users are on a roster. */
export interface RosterSize {
  /** The number of the last change. */
  readonly seq: number;
  readonly total: number;
}

/** All users on a roster, in the order in which they came. */
export interface Roster extends RosterSize {
  readonly users: readonly PresentUser[];
}

/** A change of a roster. Plain JSON. */
export interface RosterChange {
  /** `update`: the info of the user or the number of the user's sessions is another. */
  readonly type: 'join' | 'leave' | 'update';
  readonly user: PresentUser;
  /** Users on the roster after the change. */
  readonly total: number;
  /** One more than that of the change before. */
  readonly seq: number;
}

/**
 * Lists of the users who are present under a name. Several sessions of one user are one entry. `enter`, `linger` and
 * `leave` of one entry are called one after another: the next when the last one is done.
 */
export interface Rosters {
  /**
   * Lists a session. For a session that is listed already, the info is replaced, and it lingers no longer. Another one takes the
   * place of a listed session of the same entry, which leaves in the same step: that with the public id `inPlaceOf`, else the first
   * that lingers.
   */
  enter(name: string, attendee: Attendee, inPlaceOf?: string): MaybePromise<void>;
  /** The session has gone and stays listed until `leave`, unless another one takes its place. One that is not listed is no error. */
  linger(name: string, attendee: Attendee): MaybePromise<void>;
  /** Leaving a roster where the session is not listed is no error. */
  leave(name: string, attendee: Attendee): MaybePromise<void>;
  read(name: string): MaybePromise<Roster>;
  /** As `read`, without the users. */
  size(name: string): MaybePromise<RosterSize>;
  /**
   * Calls the listener with every change from now on, in their order; a change that `read` knows of came before its
   * answer, or comes soon. The function it answers with ends that. The listener must not throw.
   */
  watch(name: string, listener: (change: RosterChange) => void): MaybePromise<() => void>;
}
