import type { Event } from '../../protocol/message.ts';
import { type Handling, OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { TaskQueue } from '../../lib/task-queue.ts';
import type { Log } from '../../lib/log.ts';
import { adopt, andThen, isPromise, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { RetentionRules } from './durable.ts';
import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  Retention,
  StoredEvent,
} from '../../ports/history-store.ts';
import { TurnShare } from './turn-share.ts';
import { type Inject, withReplay } from './with-replay.ts';

/** What a page costs where a look at the range of a history costs 1, and how much of that may be done in one turn of the event loop. */
const PAGE_COST = 50;
const PER_TURN = 100;

/** What history needs of a server. */
export interface HistoryParts {
  readonly options: Retention & { readonly inject: Inject };
  readonly rules: RetentionRules;
  readonly clock: Clock;
  readonly log: Log;
}

/** Stores the events of durable channels, and has each delivered in the order of ids (RP-9). */
export class History {
  readonly #store: HistoryStore;
  readonly #rules: RetentionRules;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #inject: Inject;
  readonly #usual: Retention;
  readonly #sweepEvery: number;
  readonly #share: TurnShare;
  // Deliveries wait in it for the appends before theirs.
  readonly #line = new TaskQueue();
  // Rejected when the store could not be opened; undefined once it was.
  #opening: Promise<void> | undefined;
  // What was asked for before, and still has its turn to come: nothing overtakes it.
  #waiting = 0;
  #sweeping: MaybePromise<void> = undefined;
  #timer: Timer | undefined;
  #closed = false;
  #deliveredThrough = 0;

  constructor(store: HistoryStore, { options, rules, clock, log }: HistoryParts) {
    this.#store = store;
    this.#rules = rules;
    this.#clock = clock;
    this.#log = log;
    this.#inject = options.inject;
    this.#usual = options;
    this.#sweepEvery = sweepPeriod(options, rules);
    this.#share = new TurnShare(clock, PER_TURN);
  }

  /** The highest id issued. */
  get newest(): number {
    return this.#store.newest;
  }

  /** The highest id handed to the sessions of this node, or stored before this server was. */
  get deliveredThrough(): number {
    return this.#deliveredThrough;
  }

  /** Opens the store; what is published before that waits. Rejects when it cannot be opened, as does all that waited. */
  open(): Promise<void> {
    const settings = { retention: this.#retention, now: () => this.#clock.now() };
    this.#opening = this.#openStore(settings);
    return this.#opening;
  }

  /**
   * Stores an event, and hands it on as it is to be delivered: when it was stored, and when those before it were handed on.
   * What is volatile keeps its place in that order, and is not stored. Fails alone, when it cannot be stored.
   */
  record<T>(
    event: Event,
    how: Handling,
    deliver: (event: OutgoingEvent) => MaybePromise<T>,
  ): MaybePromise<T> {
    const stored = how.volatile === true ? undefined : this.#append(event);
    // Its turn may come later than its failure.
    if (isPromise(stored)) stored.catch(() => {});
    const turn = this.#line.run(() =>
      // In a box: the next may go once this one was handed on, however long an engine takes to accept it.
      andThen(stored, (one) => ({ delivered: deliver(this.#outgoing(event, one, how)) })),
    );
    return andThen(turn, ({ delivered }) => delivered);
  }

  /** An event with a replay id is about to be queued to the sessions of this node. */
  delivering(id: number): void {
    if (id > this.#deliveredThrough) this.#deliveredThrough = id;
  }

  /**
   * Up to `limit` events with ids above `after` on durable channels that a name or pattern matches, by id, ready to be queued.
   * None is above what `deliveredThrough` was when the read began: what is comes to subscribers by itself.
   */
  read(pattern: string, after: number, limit: number): MaybePromise<readonly OutgoingEvent[]> {
    return this.#whenOpen(() => {
      const through = this.#deliveredThrough;
      return andThen(
        this.#share.run(PAGE_COST, () => adopt(this.#store.read(pattern, after, limit))),
        (page) => page.filter(({ id }) => id <= through).map((stored) => this.#replayed(stored)),
      );
    });
  }

  /** What is there of the durable channels that a name or pattern matches. */
  range(pattern: string): MaybePromise<HistoryRange> {
    return this.#whenOpen(() => this.#share.run(1, () => adopt(this.#store.range(pattern))));
  }

  /** Closes the store, once what was being stored has been. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#line.run(() => {});
    await this.#sweeping;
    if (await this.#isOpen()) await this.#store.close();
  }

  // What no rule speaks of any more may be wanted again: a rule may have been mistyped.
  readonly #retention = (channel: string): Retention | undefined =>
    (this.#rules.of(channel).history ?? this.#usual) || undefined;

  async #openStore(settings: HistorySettings): Promise<void> {
    await this.#store.open(settings);
    this.#opening = undefined;
    this.#deliveredThrough = this.#store.newest;
    this.#sweepLater();
  }

  #sweepLater(): void {
    if (!this.#closed) this.#timer = this.#clock.after(this.#sweepEvery, this.#sweep);
  }

  readonly #sweep = (): void => {
    const swept = recover(
      () => adopt(this.#store.expire()),
      (error) => this.#log({ level: 'error', event: 'history.expire_failed', error }),
    );
    this.#sweeping = andThen(swept, () => this.#sweepLater());
  };

  #isOpen(): MaybePromise<boolean> {
    if (this.#opening === undefined) return true;
    return this.#opening.then(
      () => true,
      () => false,
    );
  }

  #append(event: Event): MaybePromise<StoredEvent> {
    if (this.#closed) throw new Error('the history is closed');
    const json = JSON.stringify(event);
    return this.#whenOpen(() => adopt(this.#store.append(event.channel, json)));
  }

  #whenOpen<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#opening === undefined && this.#waiting === 0) return work();
    this.#waiting += 1;
    const done = (): void => {
      this.#waiting -= 1;
    };
    return (this.#opening ?? Promise.resolve()).then(
      () => {
        done();
        return work();
      },
      (error: unknown) => {
        done();
        throw error;
      },
    );
  }

  #outgoing(event: Event, stored: StoredEvent | undefined, how: Handling): OutgoingEvent {
    if (stored === undefined) return new OutgoingEvent(event, how);
    return new OutgoingEvent(withReplay(event, stored, this.#inject), { ...how, replayId: stored.id });
  }

  #replayed(stored: StoredEvent): OutgoingEvent {
    const event: Event = JSON.parse(stored.json);
    return new OutgoingEvent(withReplay(event, stored, this.#inject), {
      replayId: stored.id,
      replayed: true,
    });
  }
}

// An event is gone a minute after its time at the latest, and not much later than it may be kept.
function sweepPeriod({ maxAge }: Retention, { byPattern }: RetentionRules): number {
  const ages = Object.values(byPattern).map(({ history }) => (history ? history.maxAge : maxAge));
  return Math.min(60_000, Math.max(1_000, Math.min(...ages)));
}
