import { allOf, andThen, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { DataOf } from '../channels/channel-types.ts';
import type { Directory } from '../ports/directory.ts';
import type { OutgoingEvent } from '../ports/outgoing-event.ts';
import { type DisconnectReason, disconnectReasons } from '../ports/session.ts';
import { addressedEvent, type AddressedOptions, type AddressedParts } from './addressed.ts';
import type { Publisher } from './publisher.ts';
import type { Session } from './session.ts';

/** The number of sessions that something was done to. */
export interface Reached {
  readonly sessions: number;
}

/** The parts of the server that users and groups need. */
export interface RecipientParts extends AddressedParts {
  readonly directory: Directory;
  readonly sessions: { byId(id: string): Session | undefined };
  readonly publisher: Pick<Publisher, 'address'>;
}

/** A user, by id: all sessions that the user has now. */
export class UserSessions<Channels extends object = Record<string, unknown>> {
  readonly id: string;
  readonly #parts: RecipientParts;

  /** Throws `UsageError` for an id that is no text. */
  constructor(id: string, parts: RecipientParts) {
    checkText('the id of a user', id, "write server.user('ann')");
    this.id = id;
    this.#parts = parts;
  }

  /** The public ids of the user's sessions; an empty list for a user who is offline. */
  async sessions(): Promise<readonly string[]> {
    return this.#parts.directory.sessionsOf(this.id);
  }

  /**
   * Sends an event to every session of the user, whether it subscribes or not. Resolves with the number of sessions it
   * was queued for: 0 means that the user is offline. Throws `UsageError` as `server.publish` does.
   */
  async deliver<Channel extends string>(
    channel: Channel,
    data: DataOf<Channels, Channel>,
    options: AddressedOptions = {},
  ): Promise<Reached> {
    const usage = "write server.user('ann').deliver('/private/offer', { price: 5 })";
    const event = addressedEvent(channel, data, options, usage, this.#parts);
    const ids = this.#parts.directory.sessionsOf(this.id);
    return reach(event, isPromise(ids) ? await ids : ids, this.#parts);
  }

  /** Ends every session of the user on this node, and tells the clients to stop. Resolves with their number. */
  async disconnect(reason: DisconnectReason = 'disconnected'): Promise<Reached> {
    if (!disconnectReasons.includes(reason))
      throw new UsageError(
        `the reason must be one of ${disconnectReasons.join(', ')}, got ${shown(reason)}: write server.user('ann').disconnect()`,
      );
    const ids = this.#parts.directory.sessionsOf(this.id);
    const sessions = opened(isPromise(ids) ? await ids : ids, this.#parts);
    for (const session of sessions) session.disconnect(reason);
    return { sessions: sessions.length };
  }
}

/** A list of users under a name, which the application keeps. Users stay in it while they are offline. */
export class UserGroup<Channels extends object = Record<string, unknown>> {
  readonly name: string;
  readonly #parts: RecipientParts;

  /** Throws `UsageError` for a name that is no text. */
  constructor(name: string, parts: RecipientParts) {
    checkText('the name of a group', name, "write server.group('editors')");
    this.name = name;
    this.#parts = parts;
  }

  /** Adds a user by id, who need not be online. */
  async add(user: string): Promise<void> {
    checkText('the id of a user', user, "write server.group('editors').add('ann')");
    await this.#parts.directory.groups.add(this.name, user);
  }

  /** Removes a user. One who is not in the group is no error. */
  async remove(user: string): Promise<void> {
    checkText('the id of a user', user, "write server.group('editors').remove('ann')");
    await this.#parts.directory.groups.remove(this.name, user);
  }

  /** The ids of the users in the group, in the order in which they were added. */
  async members(): Promise<readonly string[]> {
    return this.#parts.directory.groups.members(this.name);
  }

  /** Sends an event to every session of every user in the group, as `server.user(id).deliver` does. */
  async deliver<Channel extends string>(
    channel: Channel,
    data: DataOf<Channels, Channel>,
    options: AddressedOptions = {},
  ): Promise<Reached> {
    const usage = "write server.group('editors').deliver('/private/offer', { price: 5 })";
    const event = addressedEvent(channel, data, options, usage, this.#parts);
    const { directory } = this.#parts;
    const users = directory.groups.members(this.name);
    const ids = sessionsOf(isPromise(users) ? await users : users, directory);
    return reach(event, isPromise(ids) ? await ids : ids, this.#parts);
  }
}

// Without a promise if the directory makes none: events of two calls then keep their order.
function sessionsOf(users: readonly string[], directory: Directory): MaybePromise<readonly string[]> {
  return andThen(allOf(users.map((user) => directory.sessionsOf(user))), (lists) => lists.flat());
}

/** Queues an event for the sessions with these public ids, on all nodes. Resolves with their number. */
export async function reach(
  event: OutgoingEvent,
  ids: readonly string[],
  { publisher }: RecipientParts,
): Promise<Reached> {
  return { sessions: await publisher.address(event, ids) };
}

function opened(ids: readonly string[], { sessions }: RecipientParts): readonly Session[] {
  return ids.map((id) => sessions.byId(id)).filter((session) => session !== undefined);
}

function checkText(what: string, value: unknown, usage: string): void {
  if (typeof value === 'string' && value !== '') return;
  throw new UsageError(`${what} must be a text, got ${shown(value)}: ${usage}`);
}
