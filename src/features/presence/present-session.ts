import type { CloseReason } from '../../ports/conduit.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import type { Attendance } from './attendance.ts';
import { EVERYONE, isReserved, rosterOf } from './names.ts';
import type { Listing } from './options.ts';
import type { Place } from './place.ts';
import type { Audiences } from './audiences.ts';
import type { View } from './view.ts';

/** The parts of the feature that its sessions use. */
export interface PresentSessionParts {
  readonly attendance: Attendance;
  readonly audiences: Audiences;
  /** How users are listed under a name; undefined if they are not. */
  listingOf(roster: string): Listing | undefined;
  /** Whether the session counts as a client. */
  readonly isListed: boolean;
}

/** The lists on which one session is, and those that it views. */
export class PresentSession implements SessionFeature {
  readonly #session: ServedSession;
  readonly #parts: PresentSessionParts;
  readonly #places = new Map<string, Place>();
  readonly #views = new Map<string, View>();

  constructor(session: ServedSession, parts: PresentSessionParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** The view of a list, if the session subscribes to it. */
  view(roster: string): View | undefined {
    return this.#views.get(roster);
  }

  /** Sends fresh snapshots on these channels, as far as the session subscribes to them. */
  show(channels: readonly string[]): void {
    for (const channel of channels) {
      const roster = rosterOf(channel);
      const listing = this.#parts.listingOf(roster);
      if (listing === undefined || !this.#session.subscriptions.has(channel)) continue;
      this.#views.set(roster, this.#parts.audiences.show(this.#session, roster, listing.mode));
    }
  }

  /** Lists the session among all, if it has not ended already. */
  opened(): void {
    if (this.#session.state !== 'gone') this.#enter(EVERYONE);
  }

  subscribed(pattern: string): void {
    if (!isReserved(pattern)) this.#enter(pattern);
  }

  unsubscribed(pattern: string): void {
    if (isReserved(pattern)) this.#hide(rosterOf(pattern));
    else this.#leave(pattern, true);
  }

  userChanged(): void {
    for (const [roster, place] of this.#places) {
      const listing = this.#parts.listingOf(roster);
      if (listing !== undefined) this.#parts.attendance.renew(place, this.#session, listing);
    }
    // The viewer may see others from now on.
    if (!this.#parts.audiences.isShared) for (const view of this.#views.values()) view.refresh();
  }

  queueMore(): void {
    for (const view of this.#views.values()) view.more();
  }

  closed(reason: CloseReason): void {
    // Nobody is told of the end of all sessions.
    if (reason === 'shutdown') this.#parts.audiences.silence();
    for (const roster of this.#views.keys()) this.#hide(roster);
    // A session without a user cannot come back under its id.
    const mayReturn = reason !== 'shutdown' && this.#session.user !== undefined;
    for (const roster of this.#places.keys()) this.#leave(roster, mayReturn);
  }

  // Lists the session, if users are listed there.
  #enter(roster: string): void {
    const listing = this.#parts.listingOf(roster);
    if (listing === undefined || !this.#parts.isListed || this.#places.has(roster)) return;
    const place = this.#parts.attendance.placeOf(this.#session, roster, listing);
    // Before it is listed: a listener may end the session as soon as it is.
    this.#places.set(roster, place);
    this.#parts.attendance.enter(place);
  }

  #hide(roster: string): void {
    if (this.#views.delete(roster)) this.#parts.audiences.hide(this.#session, roster);
  }

  #leave(roster: string, mayReturn: boolean): void {
    const place = this.#places.get(roster);
    if (place === undefined) return;
    this.#places.delete(roster);
    const grace = mayReturn ? (this.#parts.listingOf(roster)?.grace ?? 0) : 0;
    this.#parts.attendance.leave(place, grace);
  }
}
