import type { Clock, Timer } from '../../lib/clock.ts';
import { andThen, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { Roster, RosterChange, Rosters } from '../../ports/directory.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { Delta, snapshotOf } from './delta.ts';
import { channelOf } from './names.ts';
import { type Eye, Full, OwnFull, OwnTotal, type Perspective, Total } from './perspective.ts';
import { View, type ViewParts } from './view.ts';

/** A viewer of a number is told at most once in this time. Milliseconds. */
const TICK = 1000;
/** So many viewers are told at once, and the next ones after this time: 1,000 a second. Milliseconds. */
const SLICE = 100;
const SLICE_TICK = 100;

/** The parts of the server that an audience needs. */
export interface AudienceParts {
  readonly rosters: Rosters;
  readonly clock: Clock;
  readonly refusals: RefusalNotes;
  deliver(sessions: readonly ServedSession[], event: OutgoingEvent): void;
  /** Whether everybody sees all: then only the last of several changes counts for a number. */
  readonly isShared: boolean;
  /** What decides whether a viewer sees a user; undefined if everybody sees all. */
  eyeOf(viewer: ServedSession, roster: string): Eye | undefined;
}

/** All views of one roster on this node. The audience watches the roster while it has any. */
export class Audience {
  readonly #roster: string;
  readonly #channel: string;
  readonly #mode: 'full' | 'total';
  readonly #parts: AudienceParts;
  readonly #viewParts: ViewParts;
  readonly #views = new Map<ServedSession, View>();
  // Undefined after a failure.
  #watching: MaybePromise<() => void> | undefined;
  // The events of the last snapshot, while no change came.
  #snapshot: readonly OutgoingEvent[] | undefined;
  #snapshotSeq = -1;
  #last: Delta | undefined;
  // Viewers of the number who are still to be told in this round, and whether a change came since it began.
  #untold: Iterator<View> | undefined;
  #isNews = false;
  #timer: Timer | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isSilent = false;

  constructor(roster: string, mode: 'full' | 'total', parts: AudienceParts) {
    this.#roster = roster;
    this.#channel = channelOf(roster);
    this.#mode = mode;
    this.#parts = parts;
    this.#viewParts = {
      clock: parts.clock,
      read: (view, round) => this.#read(view, round),
      tellAgain: () => {
        this.#isNews = true;
      },
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
    return eye === undefined ? new Total(this.#channel, () => this.#last) : new OwnTotal(this.#channel, eye);
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
    this.#last = new Delta(this.#channel, change);
    if (this.#mode === 'full') this.#tell(this.#last);
    else this.#count(this.#last);
  };

  // Viewers who see the same get the same event.
  #tell(delta: Delta): void {
    const receivers: Receivers = new Map();
    for (const view of this.#views.values()) add(receivers, view.take(delta), view.session);
    this.#send(receivers);
  }

  #count(delta: Delta): void {
    if (!this.#parts.isShared) for (const view of this.#views.values()) view.take(delta);
    this.#isNews = true;
    if (this.#timer === undefined && this.#untold === undefined) this.#schedule();
  }

  #schedule(): void {
    const pause = Math.max(0, this.#toldAt + TICK - this.#parts.clock.now());
    this.#timer = this.#parts.clock.after(pause, this.#beginRound);
  }

  readonly #beginRound = (): void => {
    this.#toldAt = this.#parts.clock.now();
    this.#isNews = false;
    this.#untold = this.#views.values();
    this.#goRound();
  };

  // Tells some viewers after the others: the event loop is not held up, and a crowd takes no more of it than a part.
  readonly #goRound = (): void => {
    this.#timer = undefined;
    const receivers: Receivers = new Map();
    for (let told = 0; told < SLICE; told += 1) {
      const next = this.#untold?.next();
      if (next === undefined || next.done === true) {
        this.#untold = undefined;
        break;
      }
      add(receivers, next.value.due(), next.value.session);
    }
    this.#send(receivers);
    if (this.#untold !== undefined) this.#timer = this.#parts.clock.after(SLICE_TICK, this.#goRound);
    else if (this.#isNews) this.#schedule();
  };

  #send(receivers: Receivers): void {
    for (const [event, sessions] of receivers) this.#parts.deliver(sessions, event);
  }
}

type Receivers = Map<OutgoingEvent, ServedSession[]>;

function add(receivers: Receivers, event: OutgoingEvent | undefined, session: ServedSession): void {
  if (event === undefined) return;
  const others = receivers.get(event);
  if (others === undefined) receivers.set(event, [session]);
  else others.push(session);
}
