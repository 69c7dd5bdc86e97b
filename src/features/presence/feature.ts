import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { shown } from '../../lib/shown.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { Rosters } from '../../ports/directory.ts';
import type { Feature, FeatureHook, FeatureHost, FeatureModule, ServedSession } from '../../ports/feature.ts';
import { errors } from '../../protocol/errors.ts';
import { isObject, type PublishRequest } from '../../protocol/message.ts';
import { Attendance } from './attendance.ts';
import { Budget } from './budget.ts';
import { EVERYONE, isReserved, REQUEST, rosterOf, SEGMENT } from './names.ts';
import { type Listing, type PresenceOptions, presenceOptions, type PresenceRule } from './options.ts';
import { PresentList } from './present-list.ts';
import { PresentSession } from './present-session.ts';
import { Audiences, VIEW } from './audiences.ts';

/** The parts of the server that presence uses. */
type PresenceParts = {
  readonly options: { readonly presence: PresenceOptions };
  readonly rules: {
    readonly byPattern: Readonly<Record<string, PresenceRule>>;
    of(channel: string): PresenceRule;
  };
  readonly clock: Clock;
  readonly log: Log;
};

/** What the feature makes when the server is put together. */
interface Started {
  readonly rosters: Rosters;
  readonly attendance: Attendance;
  readonly audiences: Audiences;
}

/** Tells who is present in a channel: the users of the sessions that subscribe to its exact name (PS-1 to PS-13). */
export class Presence implements Feature {
  readonly name = 'presence';
  // PS-2: nobody sees who is in a channel that he may not subscribe to.
  readonly reserves = { segment: SEGMENT, rightTo: rosterOf };
  readonly #parts: PresenceParts;
  readonly #budget: Budget;
  readonly #sessions = new WeakMap<ServedSession, PresentSession>();
  #started: Started | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#budget = new Budget(parts.options.presence.maxBytes);
  }

  /** Memory in use for who is present. Bytes. */
  get bytes(): number {
    return this.#budget.used;
  }

  readonly start = ({ directory: { rosters }, refusals, deliver }: FeatureHost): void => {
    const { clock, options } = this.#parts;
    const shared = { rosters, clock, refusals, budget: this.#budget };
    this.#started = {
      rosters,
      attendance: new Attendance(shared),
      audiences: new Audiences({ ...shared, deliver, visible: options.presence.visible }),
    };
  };

  readonly close = (): undefined => {
    this.#started?.attendance.close();
  };

  /** The users in a channel. Throws `UsageError` where presence is not kept. */
  listOf(channel: string): PresentList {
    const isKept = typeof channel === 'string' && this.#listingOf(channel) !== undefined;
    if (this.#started !== undefined && isKept)
      return new PresentList(channel, this.#started.rosters, this.#parts.log);
    throw noPresence(channel);
  }

  readonly attach: FeatureHook<'attach'> = (session, _request, { trusted }) => {
    if (this.#started === undefined) return [];
    const listingOf = (roster: string) => this.#listingOf(roster);
    // PS-3: the application's own sessions are no clients, unless they act for a user.
    const isListed = trusted !== true || session.user !== undefined;
    const present = new PresentSession(session, { ...this.#started, listingOf, isListed });
    this.#sessions.set(session, present);
    // Not at once: a listener that ends the session has to find it open.
    if (this.#everyone !== undefined) this.#parts.clock.soon(() => present.opened());
    return [present];
  };

  readonly subscribing: FeatureHook<'subscribing'> = (_request, patterns, session) => {
    const present = this.#sessions.get(session);
    if (present === undefined || this.#started === undefined) return undefined;
    const { attendance } = this.#started;
    const viewed = patterns.filter(isReserved);
    this.#refuseUnlisted(viewed);
    const added = patterns.filter((pattern) => !session.subscriptions.has(pattern));
    const entered = added.map((pattern) => this.#enteredBy(pattern)).filter((one) => one !== undefined);
    if (viewed.length === 0 && entered.length === 0) return undefined;
    const views = VIEW * added.filter(isReserved).length;
    return () => {
      attendance.refuseOver(session, entered, views);
      // The snapshot comes after the reply: only then a Faye client listens.
      return viewed.length === 0 ? undefined : { afterwards: () => present.show(viewed) };
    };
  };

  // PS-9: who missed a change asks for a fresh snapshot.
  readonly answering: FeatureHook<'answering'> = (request, session) => {
    if (request.channel !== REQUEST) return undefined;
    const channel = channelIn(request);
    const view = session && this.#sessions.get(session)?.view(channel);
    if (view === undefined)
      throw errors.publishDenied(REQUEST, 'the session does not subscribe to that list');
    return () => {
      view.refresh();
      return { successful: true };
    };
  };

  #refuseUnlisted(viewed: readonly string[]): void {
    const unlisted = viewed.filter((channel) => this.#listingOf(rosterOf(channel)) === undefined);
    if (unlisted.length === 0) return;
    throw errors.subscribeDenied(
      unlisted,
      'presence is not kept there; set "presence" in the rule of the channel, or "presence.everyone"',
      'channels',
    );
  }

  #enteredBy(pattern: string): Listing | undefined {
    return isReserved(pattern) ? undefined : this.#listingOf(pattern);
  }

  #listingOf(roster: string): Listing | undefined {
    if (roster === EVERYONE) return this.#everyone;
    if (isReserved(roster) || roster.endsWith('*')) return undefined;
    return this.#parts.rules.of(roster).presence || undefined;
  }

  get #everyone(): Listing | undefined {
    const { everyone, grace, info } = this.#parts.options.presence;
    return everyone === false ? undefined : { mode: everyone, grace, info };
  }
}

function channelIn({ data }: PublishRequest): string {
  const channel: unknown = isObject(data) ? data.channel : undefined;
  if (typeof channel === 'string') return channel;
  const fault = { path: '/channel', message: 'must be the name of a channel' };
  throw errors.dataInvalid(REQUEST, fault, '{ channel }');
}

/** The error for a channel where presence is not kept. */
export function noPresence(channel: unknown): UsageError {
  const name = typeof channel === 'string' ? channel : '/chat/room';
  if (name === EVERYONE)
    return new UsageError(
      `presence of all sessions is off: write new Server({ presence: { everyone: 'full' } })`,
    );
  return new UsageError(
    `presence is not kept for ${shown(channel)}: write new Server({ channels: { '${name}': { presence: true } } })`,
  );
}

export const presenceModule = {
  ...presenceOptions,
  make(parts: PresenceParts): Presence | undefined {
    const isWanted = Object.values(parts.rules.byPattern).some(({ presence }) => presence);
    return isWanted || parts.options.presence.everyone !== false ? new Presence(parts) : undefined;
  },
} as const satisfies FeatureModule;
