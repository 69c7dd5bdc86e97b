import type { MaybePromise } from '../lib/maybe-promise.ts';

/** Finds sessions by user and by channel. Promises allow for a directory of a whole cluster. */
export interface Directory {
  /** Public ids of the sessions of one user. */
  sessionsOf(user: string): MaybePromise<readonly string[]>;
  /** Public ids of the sessions an event on `channel` would reach. */
  members(channel: string): MaybePromise<readonly string[]>;
  /** How many sessions an event on `channel` would reach; without a channel, how many there are. */
  count(channel?: string): MaybePromise<number>;
  readonly groups: Groups;
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
