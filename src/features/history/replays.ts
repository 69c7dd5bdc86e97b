import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { matcher } from '../../channels/channel-names.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { andThen, recover } from '../../lib/maybe-promise.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import { overlap } from './durable.ts';
import type { History } from './history.ts';
import { type Found, PAGE, Replay, type Start } from './replay.ts';

/** How often a failed read is repeated before the client has to start over, and the pause before each. Milliseconds. */
const TRIES = 3;
const PAUSE = 1000;

/** The parts of the server that replays use. */
export interface ReplayParts {
  readonly history: History;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxSubscriptions: number;
}

/**
 * The replays of one session. One runs, page by page as its events are sent, while the others wait. When a
 * replay can no longer deliver all its events, the session ends. The client is told to shake hands again, and
 * then gives its positions.
 */
export class Replays implements SessionFeature {
  readonly #session: ServedSession;
  readonly #parts: ReplayParts;
  #all: Replay[] = [];
  // True while a read is scheduled or running, or waits to be repeated.
  #busy = false;
  #tries = 0;
  #timer: Timer | undefined;

  constructor(session: ServedSession, parts: ReplayParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** Whether no replay is left: then all events delivered so far were queued. */
  get isEmpty(): boolean {
    return this.#all.every(({ isOver }) => isOver);
  }

  /** Replays that have not caught up with live events. */
  get underWay(): number {
    let count = 0;
    for (const { isDone } of this.#all) if (!isDone) count += 1;
    return count;
  }

  /** Takes a live event that a replay will deliver; false when the event is to be queued. */
  takes(event: OutgoingEvent): boolean {
    if (event.replayId === undefined) return false;
    const { channel } = event;
    let taken = false;
    for (const replay of this.#all) {
      if (replay.covers(channel) && replay.takes(event)) taken = true;
    }
    return taken;
  }

  /** Creates a replay that covers a subscription from now on. Call `start` when the subscribe reply was written. */
  prepare(key: string, start: Start): Replay {
    const older = this.#all.find((candidate) => candidate.key === key);
    const replacement = older?.replaced(start);
    if (older !== undefined && replacement !== undefined) this.#remove(older);
    else this.unsubscribed(key);
    const replay = replacement ?? new Replay(key, start, this.#parts.history);
    this.#all.push(replay);
    return replay;
  }

  start(replay: Replay): void {
    replay.isReady = true;
    this.queueMore();
  }

  /** A subscription was removed. Its replay still delivers the covered events that other subscriptions need. */
  unsubscribed(key: string): void {
    const replay = this.#all.find((candidate) => candidate.key === key);
    if (replay === undefined) return;
    const { subscriptions } = this.#session;
    const shared = [...subscriptions].some((other) => other !== key && overlap(other, key));
    if (!shared || replay.isDone) {
      this.#remove(replay);
      return;
    }
    replay.detach();
    // Only an abusive client can create replays faster than the server reads them.
    if (this.#all.length > 2 * this.#parts.maxSubscriptions) this.#parts.clock.soon(this.#giveUp);
  }

  /** Reads on at the end of this turn, if there is room then. */
  queueMore(): void {
    if (this.#busy || this.#all.length === 0) return;
    this.#all = this.#all.filter(({ isOver }) => !isOver);
    if (this.#all.every(({ isDone }) => isDone)) return;
    this.#busy = true;
    this.#parts.clock.soon(this.#look);
  }

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
    void andThen(found, (result) => {
      if (result !== undefined) this.#found(replay, result);
    });
  };

  // True when no event of the last page waits, and not too many sent events wait for the client to confirm them (AK-4).
  get #hasRoom(): boolean {
    const { urgent, kept = 0 } = this.#session.outbox;
    return urgent === 0 && kept <= PAGE;
  }

  #found(replay: Replay, found: Found): void {
    this.#busy = false;
    this.#tries = 0;
    // The replay may have been removed meanwhile, or the session may have ended.
    if (this.#all.includes(replay)) this.#passOn(replay, replay.advance(found));
    this.queueMore();
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
      this.queueMore();
    });
  }

  readonly #giveUp = (): void => this.#session.startOver('history');

  #remove(replay: Replay): void {
    this.#all = this.#all.filter((other) => other !== replay);
  }
}
