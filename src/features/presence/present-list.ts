import { checkEventName, checkFunction } from '../../core/arguments.ts';
import { callOut } from '../../lib/callback.ts';
import type { Log } from '../../lib/log.ts';
import { andThen, recover } from '../../lib/maybe-promise.ts';
import type { PresentUser, RosterChange, Rosters } from '../../ports/directory.ts';

/** What a listener of `server.presence(channel).on` gets. */
export interface PresenceEvent {
  readonly user: PresentUser;
  /** Users that are present now. */
  readonly total: number;
}

const types: readonly RosterChange['type'][] = ['join', 'leave', 'update'];
const usage = "write server.presence('/chat/room').on('join', ({ user, total }) => …)";

/** The users who are present in a channel, for the application. `visible` hides nobody from it. */
export class PresentList {
  /** The channel; `/presence/everyone` for the list of all sessions. */
  readonly channel: string;
  readonly #rosters: Rosters;
  readonly #log: Log;

  constructor(channel: string, rosters: Rosters, log: Log) {
    this.channel = channel;
    this.#rosters = rosters;
    this.#log = log;
  }

  /** The users, in the order in which they came. */
  async users(): Promise<readonly PresentUser[]> {
    return (await this.#rosters.read(this.channel)).users;
  }

  /** The number of users. */
  async total(): Promise<number> {
    return (await this.#rosters.size(this.channel)).total;
  }

  /**
   * Calls the listener when a user joins or leaves, or when the info of a user or the number of the user's sessions is
   * another (`update`). The returned function ends that. Throws `UsageError` for an unknown name.
   */
  on(name: RosterChange['type'], listener: (event: PresenceEvent) => unknown): () => void {
    checkEventName(name, types, 'server.presence(channel).on');
    checkFunction(`the listener of "${name}"`, listener, usage);
    const failed = (error: unknown): void =>
      this.#log({ level: 'error', event: 'listener.failed', name: `${this.channel} ${name}`, error });
    let isOver = false;
    const hear = ({ type, user, total }: RosterChange): void => {
      if (type === name && !isOver) callOut(() => listener({ user, total }), failed);
    };
    const watching = recover<(() => void) | undefined>(
      () => this.#rosters.watch(this.channel, hear),
      (error) => {
        failed(error);
        return undefined;
      },
    );
    return () => {
      isOver = true;
      void andThen(watching, (end) => end?.());
    };
  }
}
