import type { Subscriptions } from './subscriptions.ts';
import type { Directory, Sum } from '../ports/directory.ts';
import { LocalGroups } from './local-groups.ts';
import { LocalRosters } from './local-rosters.ts';
import type { Sessions } from './sessions.ts';

/** The sessions that are connected to this node. */
export class LocalDirectory implements Directory {
  readonly groups = new LocalGroups();
  readonly rosters = new LocalRosters();
  readonly #sessions: Sessions;
  readonly #subscriptions: Subscriptions;

  constructor(sessions: Sessions, subscriptions: Subscriptions) {
    this.#sessions = sessions;
    this.#subscriptions = subscriptions;
  }

  sessionsOf(user: string): string[] {
    return Array.from(this.#sessions.ofUser(user), ({ id }) => id);
  }

  members(channel: string): Sum<string[]> {
    return { value: this.#subscriptions.index.match(channel).map(({ id }) => id), complete: true };
  }

  count(channel?: string): Sum<number> {
    const value =
      channel === undefined ? this.#sessions.size : this.#subscriptions.index.match(channel).length;
    return { value, complete: true };
  }
}
