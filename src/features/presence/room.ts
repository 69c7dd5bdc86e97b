import type { Clock, Timer } from '../../lib/clock.ts';
import { andThen, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { Roster, RosterChange, Rosters } from '../../ports/directory.ts';
import type { RefusalNotes, ServedSession } from '../../ports/feature.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { Delta, snapshotOf } from './delta.ts';
import { channelOf } from './names.ts';
import { type Eye, Full, OwnFull, OwnTotal, type Perspective, Total } from './perspective.ts';
import { View, type ViewParts } from './view.ts';

/** Viewers of a number are told at most once in this time. Milliseconds. */
const TICK = 1000;

/** The parts of the server that a room needs. */
export interface RoomParts {
  readonly rosters: Rosters;
  readonly clock: Clock;
  readonly refusals: RefusalNotes;
  deliver(sessions: Iterable<ServedSession>, event: OutgoingEvent): void;
  /** Whether everybody sees all: then only the last of several changes counts for a number. */
  readonly isShared: boolean;
  /** What decides whether a viewer sees a user; undefined if everybody sees all. */
  eyeOf(viewer: ServedSession, roster: string): Eye | undefined;
}

/** All views of one roster on this node. The room watches the roster while it has any. */
export class Room {
  readonly #roster: string;
  readonly #channel: string;
  readonly #mode: 'full' | 'total';
  readonly #parts: RoomParts;
  readonly #viewParts: ViewParts;
  readonly #views = new Map<ServedSession, View>();
  // Undefined after a failure.
  #watching: MaybePromise<() => void> | undefined;
  // The events of the last snapshot, while no change came.
  #snapshot: readonly OutgoingEvent[] | undefined;
  #snapshotSeq = -1;
  // Changes that viewers of the number are not told yet.
  #untold: Delta[] = [];
  #timer: Timer | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isSilent = false;

  constructor(roster: string, mode: 'full' | 'total', parts: RoomParts) {
    this.#roster = roster;
    this.#channel = channelOf(roster);
    this.#mode = mode;
    this.#parts = parts;
    this.#viewParts = {
      clock: parts.clock,
      read: (view, round) => this.#read(view, round),
      deliver: (session, event) => parts.deliver([session], event),
    };
  }

  has(session: ServedSession): boolean {
    return this.#views.has(session);
  }

  get isEmpty(): boolean {
    return this.#views.size === 0;
  }

  /** Gives the session a fresh snapshot, and from then on every change. */
  show(session: ServedSession): View {
    let view = this.#views.get(session);
    if (view === undefined) {
      view = new View(session, this.#perspective(session), this.#viewParts);
      this.#views.set(session, view);
    }
    view.refresh();
    return view;
  }

  hide(session: ServedSession): void {
    this.#views.get(session)?.close();
    this.#views.delete(session);
  }

  /** Tells nobody anything any more. */
  silence(): void {
    this.#isSilent = true;
    this.#timer?.cancel();
  }

  /** Ends watching the roster. */
  close(): void {
    this.silence();
    if (this.#watching !== undefined) void andThen(this.#watching, (end) => end());
  }

  #perspective(session: ServedSession): Perspective {
    const eye = this.#parts.eyeOf(session, this.#roster);
    if (this.#mode === 'full')
      return eye === undefined ? new Full(this.#share) : new OwnFull(this.#channel, eye);
    return eye === undefined ? new Total(this.#channel) : new OwnTotal(this.#channel, eye);
  }

  #read(view: View, round: number): void {
    void recover(
      () => andThen(this.#rosterFor(view), (roster) => view.open(roster, round)),
      (error) => {
        this.#watching = undefined;
        this.#parts.refusals.note('presence.failed', { why: 'the directory did not answer', error });
        view.refresh();
      },
    );
  }

  // Changes are watched before the roster is read: none may be missed between the two.
  #rosterFor({ perspective }: View): MaybePromise<Roster> {
    const { rosters } = this.#parts;
    this.#watching ??= rosters.watch(this.#roster, this.#changed);
    return andThen(this.#watching, () =>
      perspective.countsOnly
        ? andThen(rosters.size(this.#roster), (size) => ({ ...size, users: [] }))
        : rosters.read(this.#roster),
    );
  }

  readonly #share = ({ users, seq }: Roster): readonly OutgoingEvent[] => {
    if (this.#snapshot === undefined || this.#snapshotSeq !== seq) {
      this.#snapshot = snapshotOf(this.#channel, users, seq);
      this.#snapshotSeq = seq;
    }
    return this.#snapshot;
  };

  readonly #changed = (change: RosterChange): void => {
    if (this.#isSilent) return;
    this.#snapshot = undefined;
    const delta = new Delta(this.#channel, change);
    if (this.#mode === 'full') this.#tell([delta]);
    else this.#tellLater(delta);
  };

  #tellLater(delta: Delta): void {
    if (this.#parts.isShared) this.#untold = [];
    this.#untold.push(delta);
    this.#timer ??= this.#parts.clock.after(
      Math.max(0, this.#toldAt + TICK - this.#parts.clock.now()),
      this.#tellNumber,
    );
  }

  readonly #tellNumber = (): void => {
    this.#timer = undefined;
    this.#toldAt = this.#parts.clock.now();
    const untold = this.#untold;
    this.#untold = [];
    this.#tell(untold);
  };

  // Viewers who see the same get the same event.
  #tell(deltas: readonly Delta[]): void {
    const receivers = new Map<OutgoingEvent, ServedSession[]>();
    for (const view of this.#views.values()) {
      for (const event of view.take(deltas)) {
        const others = receivers.get(event);
        if (others === undefined) receivers.set(event, [view.session]);
        else others.push(view.session);
      }
    }
    for (const [event, sessions] of receivers) this.#parts.deliver(sessions, event);
  }
}
