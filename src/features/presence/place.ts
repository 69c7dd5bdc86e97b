import { memoryOf } from '../../lib/memory.ts';
import { type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { Attendee, Rosters } from '../../ports/directory.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import type { InOrder } from './in-order.ts';

/** Memory of one session on one roster, without its info. Measured on Node 20, rounded up. Bytes. */
const AROUND = 1500;

/** The memory of one session on one roster. Bytes. */
export const bytesOf = (info: Attendee['info']): number => AROUND + (info === undefined ? 0 : memoryOf(info));

/** The parts of the server that list sessions. */
export interface PlaceParts {
  readonly rosters: Rosters;
  readonly refusals: RefusalNotes;
  /** What the directory is asked about one user comes one after another, however late it answers. */
  readonly inOrder: InOrder;
}

/** One session on one roster. */
export class Place {
  readonly roster: string;
  readonly #parts: PlaceParts;
  #attendee: Attendee;

  constructor(roster: string, attendee: Attendee, parts: PlaceParts) {
    this.roster = roster;
    this.#attendee = attendee;
    this.#parts = parts;
  }

  /** The public id of the session. */
  get session(): string {
    return this.#attendee.session;
  }

  get bytes(): number {
    return bytesOf(this.#attendee.info);
  }

  /** Names the user and the roster. No channel has a line break in its name. */
  get key(): string {
    return `${this.roster}\n${this.#attendee.id}`;
  }

  /** `older`: the place of a session of the same user that has left, which this one takes. */
  enter(older?: Place): void {
    const attendee = this.#attendee;
    this.#ask((rosters) => rosters.enter(this.roster, attendee, older?.session));
  }

  /** Replaces what others see of the user. */
  renew(info: Attendee['info']): void {
    const { info: _, ...rest } = this.#attendee;
    this.#attendee = info === undefined ? rest : { ...rest, info };
    this.enter();
  }

  /** The session has gone. Another one of the same user may take its place, on any node. */
  linger(): void {
    const attendee = this.#attendee;
    this.#ask((rosters) => rosters.linger(this.roster, attendee));
  }

  leave(): void {
    const attendee = this.#attendee;
    this.#ask((rosters) => rosters.leave(this.roster, attendee));
  }

  #ask(call: (rosters: Rosters) => MaybePromise<void>): void {
    const { rosters, refusals, inOrder } = this.#parts;
    inOrder.run(this.key, () =>
      recover(
        () => call(rosters),
        (error) => refusals.note('presence.failed', { why: 'the directory did not answer', error }),
      ),
    );
  }
}
