import type { Clock } from '../../lib/clock.ts';
import { overLimit } from '../../protocol/over-limit.ts';
import { errors } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/message.ts';
import type { Rosters } from '../../ports/directory.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import type { Budget } from './budget.ts';
import { InOrder } from './in-order.ts';
import { Lingering } from './lingering.ts';
import type { Listing } from './options.ts';
import { bytesOf, Place, type PlaceParts } from './place.ts';

/** The parts of the server that attendance needs. */
export interface AttendanceParts {
  readonly rosters: Rosters;
  readonly clock: Clock;
  readonly refusals: RefusalNotes;
  readonly budget: Budget;
}

/** Lists sessions on rosters, and the users who have just left for a while longer. */
export class Attendance {
  readonly #parts: AttendanceParts & PlaceParts;
  readonly #lingering: Lingering;

  constructor(parts: AttendanceParts) {
    this.#parts = { ...parts, inOrder: new InOrder() };
    this.#lingering = new Lingering(parts.clock, (place) => this.#end(place));
  }

  /** Throws `BayeuxError` when there is no memory to list the session under so many names, besides those it has. */
  refuseOver(session: ServedSession, listings: readonly Listing[], bytes: number): void {
    const { budget, refusals } = this.#parts;
    const asked = listings.reduce((sum, { info }) => sum + bytesOf(seenOf(session, info)), bytes);
    if (budget.hasRoomFor(asked)) return;
    // Users who have left give way.
    this.#lingering.endAll();
    if (budget.hasRoomFor(asked)) return;
    refusals.note('presence.no_room', {
      option: 'presence.maxBytes',
      why: overLimit('presence.maxBytes', budget.limit),
      limit: budget.limit,
      bytes: budget.used,
      session: session.id,
    });
    throw errors.noRoomToSubscribe();
  }

  /** The place of a session on a roster. It is not listed yet. */
  placeOf(session: ServedSession, roster: string, { info }: Listing): Place {
    const id = session.user?.id ?? session.id;
    const seen = seenOf(session, info);
    const attendee = {
      id,
      session: session.id,
      since: Math.floor(this.#parts.clock.now()),
      ...(seen !== undefined && { info: seen }),
    };
    return new Place(roster, attendee, this.#parts);
  }

  /** Lists a session. If the user has just left, the session takes that place, and nothing changes for others. */
  enter(place: Place): void {
    const { budget } = this.#parts;
    const older = this.#lingering.take(place);
    if (older !== undefined) budget.add(-older.bytes);
    budget.add(place.bytes);
    place.enter(older);
  }

  /** The info of the user may be another. */
  renew(place: Place, session: ServedSession, { info }: Listing): void {
    const { budget } = this.#parts;
    budget.add(-place.bytes);
    place.renew(seenOf(session, info));
    budget.add(place.bytes);
  }

  /** The session is not listed any more once `grace` has passed; at once if it is 0. */
  leave(place: Place, grace: number): void {
    if (grace === 0) {
      this.#end(place);
      return;
    }
    place.linger();
    this.#lingering.add(place, grace);
  }

  /** All who have left go at once. */
  close(): void {
    this.#lingering.endAll();
  }

  #end(place: Place): void {
    this.#parts.budget.add(-place.bytes);
    place.leave();
  }
}

/** The part of the user's info that others see. */
function seenOf({ user }: ServedSession, info: Listing['info']): JsonObject | undefined {
  if (user === undefined || info === false) return undefined;
  if (info === true) return user.info;
  const names = info.filter((name) => Object.hasOwn(user.info, name));
  return Object.fromEntries(names.map((name) => [name, user.info[name]]));
}
