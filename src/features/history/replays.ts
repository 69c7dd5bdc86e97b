import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { matcher } from '../../channels/channel-names.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { andThen, recover } from '../../lib/maybe-promise.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import { overlap } from './durable.ts';
import type { History } from './history.ts';
import { type Found, PAGE, Replay, type Start } from './replay.ts';

/** How often a read is tried again before the client has to begin anew, and how long after. Milliseconds. */
const TRIES = 3;
const PAUSE = 1000;

/** What replays work with. */
export interface ReplayParts {
  readonly history: History;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxSubscriptions: number;
}

/**
 * The replays of one session: one goes on, page by page as what it brings is sent, while the others wait. Where one can no longer
 * keep its promise the session ends, and the client, told to shake hands again, says itself from where it wants to go on.
 */
export class Replays implements SessionFeature {
  readonly #session: ServedSession;
  readonly #parts: ReplayParts;
  #all: Replay[] = [];
  // From when it is called until the page is there, or while it waits to try again.
  #busy = false;
  #tries = 0;
  #timer: Timer | undefined;

  constructor(session: ServedSession, parts: ReplayParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** Whether none is left: all that was delivered so far was queued. */
  get isEmpty(): boolean {
    return this.#all.every(({ isOver }) => isOver);
  }

  /** How many have not come to the present. */
  get underWay(): number {
    let count = 0;
    for (const { isDone } of this.#all) if (!isDone) count += 1;
    return count;
  }

  /** Takes a live event that a replay will bring; false when it is to be queued. */
  takes(event: OutgoingEvent): boolean {
    if (event.replayId === undefined) return false;
    const { channel } = event;
    let taken = false;
    for (const replay of this.#all) {
      if (replay.covers(channel) && replay.takes(event)) taken = true;
    }
    return taken;
  }

  /** Covers a subscription from now on; it is replayed once its reply was written, which `start` says. */
  prepare(key: string, start: Start): Replay {
    const older = this.#all.find((one) => one.key === key);
    const heir = older?.replaced(start);
    if (older !== undefined && heir !== undefined) this.#remove(older);
    else this.unsubscribed(key);
    const replay = heir ?? new Replay(key, start, this.#parts.history);
    this.#all.push(replay);
    return replay;
  }

  start(replay: Replay): void {
    replay.isReady = true;
    this.mayGoOn();
  }

  /** A subscription was dropped: what its replay covered of other subscriptions is still brought. */
  unsubscribed(key: string): void {
    const replay = this.#all.find((one) => one.key === key);
    if (replay === undefined) return;
    const { subscriptions } = this.#session;
    const shared = [...subscriptions].some((other) => other !== key && overlap(other, key));
    if (!shared || replay.isDone) {
      this.#remove(replay);
      return;
    }
    replay.orphan();
    // Nobody makes them faster than they are read but who means to.
    if (this.#all.length > 2 * this.#parts.maxSubscriptions) this.#parts.clock.soon(this.#giveUp);
  }

  /** Reads on at the end of this turn, if there is room for it then. Called whenever there may be. */
  mayGoOn(): void {
    if (this.#busy || this.#all.length === 0) return;
    this.#all = this.#all.filter(({ isOver }) => !isOver);
    if (this.#all.every(({ isDone }) => isDone)) return;
    this.#busy = true;
    this.#parts.clock.soon(this.#look);
  }

  /** Forgets all: the session is over. */
  closed(): void {
    this.#all = [];
    this.#timer?.cancel();
  }

  readonly #look = (): void => {
    this.#busy = false;
    const replay = this.#all.find(({ isReady, isDone }) => isReady && !isDone);
    if (replay === undefined || !this.#hasRoom) return;
    this.#busy = true;
    const found = recover<Found | undefined>(
      () => replay.look(),
      (error) => this.#failed(error),
    );
    void andThen(found, (one) => {
      if (one !== undefined) this.#found(replay, one);
    });
  };

  // Nothing of the page before waits, nor too much of it for a client to say that it came (AK-4).
  get #hasRoom(): boolean {
    const { urgent, kept = 0 } = this.#session.outbox;
    return urgent === 0 && kept <= PAGE;
  }

  #found(replay: Replay, found: Found): void {
    this.#busy = false;
    this.#tries = 0;
    // It may have been dropped meanwhile, or the session may be over.
    if (this.#all.includes(replay)) this.#passOn(replay, replay.advance(found));
    this.mayGoOn();
  }

  #passOn(replay: Replay, events: readonly OutgoingEvent[] | undefined): void {
    if (events === undefined) {
      this.#giveUp();
      return;
    }
    const wanted = replay.key === undefined ? events.filter(this.#isWanted) : events;
    for (const event of wanted) this.#session.enqueue(event);
  }

  readonly #isWanted = ({ channel }: OutgoingEvent): boolean =>
    [...this.#session.subscriptions].some((pattern) => matcher(pattern)(channel));

  #failed(error: unknown): undefined {
    if (this.#all.length === 0) {
      this.#busy = false;
      return;
    }
    this.#parts.log({ level: 'error', event: 'replay.failed', session: this.#session.id, error });
    this.#tries += 1;
    if (this.#tries > TRIES) {
      this.#giveUp();
      return;
    }
    this.#timer = this.#parts.clock.after(PAUSE, () => {
      this.#busy = false;
      this.mayGoOn();
    });
  }

  readonly #giveUp = (): void => this.#session.startOver('history');

  #remove(replay: Replay): void {
    this.#all = this.#all.filter((one) => one !== replay);
  }
}
