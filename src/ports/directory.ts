import type { MaybePromise } from '../lib/maybe-promise.ts';

/** Finds sessions by user and by channel. Promises allow for a directory of a whole cluster. */
export interface Directory {
  /** Public ids of the sessions of one user. */
  sessionsOf(user: string): MaybePromise<readonly string[]>;
  /** Public ids of the sessions an event on `channel` would reach. */
  members(channel: string): MaybePromise<readonly string[]>;
  /** How many sessions an event on `channel` would reach; without a channel, how many there are. */
  count(channel?: string): MaybePromise<number>;
}
