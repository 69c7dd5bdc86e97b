import type { MaybePromise } from '../lib/maybe-promise.ts';

/** Who is here, by user and by channel: on this node now, cluster-wide with an engine that knows. */
export interface Directory {
  /** Public ids of the sessions of one user. */
  sessionsOf(user: string): MaybePromise<readonly string[]>;
  /** Public ids of the sessions an event on `channel` would reach. */
  members(channel: string): MaybePromise<readonly string[]>;
  /** How many sessions an event on `channel` would reach; without a channel, how many there are. */
  count(channel?: string): MaybePromise<number>;
}
