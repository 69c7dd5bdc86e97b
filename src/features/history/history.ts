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
import { isChannel } from '../../channels/channel-names.ts';
import type { CarriedHistory } from '../../ports/engine.ts';
import type { Carry, Records } from '../../ports/feature.ts';
import { TurnShare } from './turn-share.ts';
import { type Inject, withReplay } from './with-replay.ts';

/** Cost of reading a page, where reading a range costs 1; and the cost allowed in one turn of the event loop. */
const PAGE_COST = 50;
const PER_TURN = 100;

/** Events that are read from the store at a time for a page: each may have the size of a message. */
const PAGE = 20;

/** A page of stored events. */
export interface StoredPage {
  readonly events: readonly StoredEvent[];
  /** Whether no more events follow now. */
  readonly isLast: boolean;
}

/** The parts of a server that history uses. */
export interface HistoryParts {
  readonly options: Retention & { readonly inject: Inject };
  readonly rules: RetentionRules;
  readonly clock: Clock;
  readonly log: Log;
}

/** Stores the events of durable channels, and delivers them in order of id (RP-9). */
export class History {
  readonly #store: HistoryStore;
  // The store, if it carries events to other nodes as well.
  readonly #carried: CarriedHistory | undefined;
  // Events of this node on their way, as given and as delivered.
  readonly #carrying = new Map<OutgoingEvent, OutgoingEvent>();
  readonly #rules: RetentionRules;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #inject: Inject;
  readonly #defaults: Retention;
  readonly #recordsKept: Retention | undefined;
  readonly #sweepEvery: number;
  readonly #share: TurnShare;
  // Each delivery waits here for earlier appends.
  readonly #deliveries = new TaskQueue();
  // Rejected when the store could not be opened; undefined once it is open.
  #opening: Promise<void> | undefined;
  // Calls made before the store was open that have not run yet. Later calls must not overtake them.
  #waiting = 0;
  #sweeping: MaybePromise<void> = undefined;
  #timer: Timer | undefined;
  #closed = false;
  #deliveredThrough = 0;

  constructor(store: HistoryStore, { options, rules, clock, log }: HistoryParts) {
    this.#store = store;
    this.#carried = isCarried(store) ? store : undefined;
    this.#carried?.stampWith((event, stored) => this.#stamped(event, stored));
    this.#rules = rules;
    this.#clock = clock;
    this.#log = log;
    this.#inject = options.inject;
    this.#defaults = options;
    this.#recordsKept = recordsRetention(rules);
    this.#sweepEvery = sweepPeriod(options, rules);
    this.#share = new TurnShare(clock, PER_TURN);
  }

  /** The highest id issued. */
  get newest(): number {
    return this.#store.newest;
  }

  /**
   * The highest id that a new subscription is not brought live. Where a store carries events, this node is not brought what no session
   * here wanted: then the id that the store gave with the last `range`.
   */
  get knownThrough(): number {
    return this.#carried === undefined ? this.#deliveredThrough : this.#carried.newest;
  }

  /** The highest id delivered to the sessions of this node, or stored before this server opened the store. */
  get deliveredThrough(): number {
    return this.#deliveredThrough;
  }

  /** Opens the store. Calls made meanwhile wait. When the store cannot be opened, they reject too. */
  open(): Promise<void> {
    const settings = { retention: this.#retention, now: () => this.#clock.now() };
    this.#opening = this.#openStore(settings);
    return this.#opening;
  }

  /**
   * Stores an event, and passes it to `deliver` when it is stored and all earlier events were passed on. A volatile event
   * keeps its place in that order, but is not stored. A store of several nodes carries the event as well, in its own order. When an event cannot be stored, only its own call fails.
   */
  record<T>(
    event: Event,
    handling: Handling,
    deliver: (event: OutgoingEvent, carry?: Carry) => MaybePromise<T>,
  ): MaybePromise<T> {
    const carried = this.#carried;
    if (carried !== undefined)
      return handling.volatile === true
        ? deliver(new OutgoingEvent(event, handling))
        : this.#whenOpen(() => deliver(new OutgoingEvent(event, handling), this.#carryBy(carried)));
    const appended =
      handling.volatile === true ? undefined : this.#append(event.channel, JSON.stringify(event));
    // The append may fail before its turn: this avoids an unhandled rejection.
    if (isPromise(appended)) appended.catch(() => {});
    const turn = this.#deliveries.run(() =>
      // Wrapped in an object, so that the queue waits until `deliver` was called, but not for the promise of an engine.
      andThen(appended, (stored) => ({ delivered: deliver(this.#outgoing(event, stored, handling)) })),
    );
    return andThen(turn, ({ delivered }) => delivered);
  }

  /** Notes that an event is about to be queued to the sessions of this node. */
  delivering(id: number): void {
    if (id > this.#deliveredThrough) this.#deliveredThrough = id;
  }

  /**
   * Up to `limit` events with ids above `after` on durable channels that a name or pattern matches, in order of id, ready to
   * be queued. None has an id above `deliveredThrough` at the start of the read, unless the store carries events: later events reach
   * subscribers live.
   */
  read(pattern: string, after: number, limit: number): MaybePromise<readonly OutgoingEvent[]> {
    return this.#whenOpen(() => {
      const through = this.#readableThrough;
      return andThen(
        this.#share.run(PAGE_COST, () => adopt(this.#store.read(pattern, after, limit))),
        (page) => page.filter(({ id }) => id <= through).map((stored) => this.#replayed(stored)),
      );
    });
  }

  /** The records of features. */
  readonly records: Records = {
    add: (name, json) => andThen(this.#append(recordName(name), json), ({ id }) => id),
    read: (name, after, limit) =>
      this.#whenOpen(() => adopt(this.#store.read(recordName(name), after, limit))),
  };

  /**
   * A page of stored events as they were published: up to `limit` with ids above `after`, and about `maxBytes` of text, but at least
   * one. None has an id above `deliveredThrough`, unless the store carries events.
   */
  async page(pattern: string, after: number, limit: number, maxBytes: number): Promise<StoredPage> {
    const events: StoredEvent[] = [];
    let bytes = 0;
    let last = after;
    for (;;) {
      const wanted = Math.min(PAGE, limit - events.length);
      const through = this.#readableThrough;
      const found = await this.#whenOpen(() =>
        this.#share.run(PAGE_COST, () => adopt(this.#store.read(pattern, last, wanted))),
      );
      for (const event of found) {
        if (event.id > through) return { events, isLast: true };
        if (bytes > maxBytes) return { events, isLast: false };
        events.push(event);
        bytes += event.json.length;
        last = event.id;
      }
      if (found.length < wanted) return { events, isLast: true };
      if (events.length === limit) return { events, isLast: false };
    }
  }

  /** The newest events of durable channels, in order of id: up to `limit`, and about `maxBytes` of text, but at least one. */
  async last(pattern: string, limit: number, maxBytes: number): Promise<readonly StoredEvent[]> {
    const newestFirst: StoredEvent[] = [];
    let bytes = 0;
    let before: number | undefined;
    while (newestFirst.length < limit && bytes <= maxBytes) {
      const wanted = Math.min(PAGE, limit - newestFirst.length);
      const found = await this.#whenOpen(() => {
        const below = before ?? this.#readableThrough + 1;
        return this.#share.run(PAGE_COST, () => adopt(this.#store.last(pattern, below, wanted)));
      });
      for (const event of found.toReversed()) {
        if (bytes > maxBytes) break;
        newestFirst.push(event);
        bytes += event.json.length;
      }
      before = found[0]?.id;
      if (found.length < wanted) break;
    }
    return newestFirst.reverse();
  }

  /** The range of the durable channels that a name or pattern matches. */
  range(pattern: string): MaybePromise<HistoryRange> {
    return this.#whenOpen(() => this.#share.run(1, () => adopt(this.#store.range(pattern))));
  }

  /** Closes the store when all appends are finished. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#deliveries.run(() => {});
    await this.#sweeping;
    if (await this.#isOpen()) await this.#store.close();
  }

  // A replay knows the events again that come live as well. Where one step stores and carries, those not delivered here may never be.
  get #readableThrough(): number {
    return this.#carried === undefined ? this.#deliveredThrough : Number.MAX_SAFE_INTEGER - 1;
  }

  // Channels without a rule keep the default retention: their rule may be missing because of a typing error.
  readonly #retention = (name: string): Retention | undefined =>
    isChannel(name) ? (this.#rules.of(name).history ?? this.#defaults) || undefined : this.#recordsKept;

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

  #carryBy(carried: CarriedHistory): Carry {
    if (this.#closed) throw new Error('the history is closed');
    return async (publication) => {
      const { event } = publication;
      this.#carrying.set(event, event);
      try {
        await carried.record(publication, this.#retention(event.channel) ?? this.#defaults);
        return this.#carrying.get(event) ?? event;
      } finally {
        this.#carrying.delete(event);
      }
    };
  }

  #stamped(event: OutgoingEvent, stored: Pick<StoredEvent, 'id' | 'at'>): OutgoingEvent {
    const made = new OutgoingEvent(withReplay(event.message, stored, this.#inject), {
      ...event,
      replayId: stored.id,
    });
    if (this.#carrying.has(event)) this.#carrying.set(event, made);
    return made;
  }

  #append(name: string, json: string): MaybePromise<StoredEvent> {
    if (this.#closed) throw new Error('the history is closed');
    return this.#whenOpen(() => adopt(this.#store.append(name, json)));
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

  #outgoing(event: Event, stored: StoredEvent | undefined, handling: Handling): OutgoingEvent {
    if (stored === undefined) return new OutgoingEvent(event, handling);
    return new OutgoingEvent(withReplay(event, stored, this.#inject), { ...handling, replayId: stored.id });
  }

  #replayed(stored: StoredEvent): OutgoingEvent {
    const event: Event = JSON.parse(stored.json);
    return new OutgoingEvent(withReplay(event, stored, this.#inject), {
      replayId: stored.id,
      replayed: true,
    });
  }
}

function isCarried(store: HistoryStore): store is CarriedHistory {
  return 'record' in store && typeof store.record === 'function';
}

// Base64 has no slash, so that no pattern matches the name.
function recordName(name: string): string {
  return Buffer.from(name).toString('base64url');
}

// One rule for all records: their names do not tell the channel.
function recordsRetention({ byPattern }: RetentionRules): Retention | undefined {
  const all = Object.values(byPattern).flatMap(({ records }) => records ?? []);
  if (all.length === 0) return undefined;
  const most = (key: keyof Retention) => Math.max(...all.map((one) => one[key]));
  return { maxEvents: most('maxEvents'), maxAge: most('maxAge') };
}

// Expired events are removed after a minute at most; with a shorter `maxAge`, sooner.
function sweepPeriod({ maxAge }: Retention, { byPattern }: RetentionRules): number {
  const ages = Object.values(byPattern).map(({ history }) => (history ? history.maxAge : maxAge));
  return Math.min(60_000, Math.max(1_000, Math.min(...ages)));
}
