import { memoryOf } from '../../lib/memory.ts';
import { type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import { TaskQueue } from '../../lib/task-queue.ts';
import type { Attendee, Rosters } from '../../ports/directory.ts';
import type { RefusalNotes } from '../../ports/feature.ts';

/** Memory of one session on one roster, without its info. Measured on Node 20, rounded up. Bytes. */
const AROUND = 1500;

/** The memory of one session on one roster. Bytes. */
export const bytesOf = (info: Attendee['info']): number => AROUND + (info === undefined ? 0 : memoryOf(info));

/** The parts of the server that list sessions. */
export interface PlaceParts {
  readonly rosters: Rosters;
  readonly refusals: RefusalNotes;
}

/** One session on one roster. What the directory is asked comes one after another, however late it answers. */
export class Place {
  readonly roster: string;
  bytes: number;
  #attendee: Attendee;
  readonly #parts: PlaceParts;
  readonly #tasks = new TaskQueue();

  /** `older`: the place of a session of the same user that has left, which this one takes. */
  constructor(roster: string, attendee: Attendee, older: Place | undefined, parts: PlaceParts) {
    this.roster = roster;
    this.bytes = bytesOf(attendee.info);
    this.#attendee = attendee;
    this.#parts = parts;
    const enter = () => this.#ask(() => parts.rosters.enter(roster, attendee, older?.session));
    void this.#tasks.run(() => (older === undefined ? enter() : older.#tasks.run(enter)));
  }

  /** The public id of the session. */
  get session(): string {
    return this.#attendee.session;
  }

  /** Identifies the user on the roster. */
  get id(): string {
    return this.#attendee.id;
  }

  /** Replaces what others see of the user. */
  renew(info: Attendee['info']): void {
    const { info: _, ...rest } = this.#attendee;
    const attendee = info === undefined ? rest : { ...rest, info };
    this.#attendee = attendee;
    this.bytes = bytesOf(info);
    void this.#tasks.run(() => this.#ask(() => this.#parts.rosters.enter(this.roster, attendee)));
  }

  leave(): void {
    void this.#tasks.run(() => this.#ask(() => this.#parts.rosters.leave(this.roster, this.#attendee)));
  }

  #ask(call: () => MaybePromise<void>): MaybePromise<void> {
    return recover(call, (error) =>
      this.#parts.refusals.note('presence.failed', { why: 'the directory did not answer', error }),
    );
  }
}
