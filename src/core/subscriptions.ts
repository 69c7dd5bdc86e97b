import { overLimit } from '../protocol/over-limit.ts';
import { callOut } from '../lib/callback.ts';
import type { Engine } from '../ports/engine.ts';
import type { Events } from './events.ts';
import type { Log } from '../lib/log.ts';
import { inTime, type TimeLimit } from '../lib/in-time.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Session } from '../ports/session.ts';
import type { OutgoingEvent } from '../ports/outgoing-event.ts';
import { bytesOf, ChannelIndex, type Stamped } from '../channels/channel-index.ts';
import type { Refusals } from './refusals.ts';

/** Share of the free memory that one session may use, so that sessions that take all they can leave some for others. */
const SHARE = 1 / 16;

/** The part of a session that subscriptions need. */
export interface Subscriber extends Session, Stamped {
  readonly subscriptions: Set<string>;
  /** Memory of its subscriptions if no other session shared them. Bytes. */
  subscriptionBytes: number;
  queue(event: OutgoingEvent): boolean;
}

/** The parts of the server that subscriptions need. */
export interface SubscriptionParts {
  readonly engine: Engine;
  readonly events: Events;
  readonly log: Log;
  readonly refusals: Refusals;
  readonly timeLimit: TimeLimit;
  /** The option `maxSubscriptionBytes`. */
  readonly maxBytes: number;
}

/** The subscriptions of this node. Tells the engine which patterns have subscribers here. */
export class Subscriptions {
  /** Subscribers by name and pattern. Do not change the index. */
  readonly index = new ChannelIndex<Subscriber>();
  // By pattern, until the engine brings its events.
  readonly #arriving = new Map<string, Promise<void>>();
  readonly #engine: Engine;
  readonly #events: Events;
  readonly #log: Log;
  readonly #refusals: Refusals;
  readonly #timeLimit: TimeLimit;
  readonly #maxBytes: number;

  constructor({ engine, events, log, refusals, timeLimit, maxBytes }: SubscriptionParts) {
    this.#engine = engine;
    this.#events = events;
    this.#log = log;
    this.#refusals = refusals;
    this.#timeLimit = timeLimit;
    this.#maxBytes = maxBytes;
  }

  /** Names and patterns with subscribers. */
  get size(): number {
    return this.index.size;
  }

  /** Whether there is memory for these subscriptions besides those of the session. Logs it if there is not. */
  hasRoomFor(session: Subscriber, patterns: readonly string[]): boolean {
    const asked = patterns.reduce((sum, pattern) => sum + bytesOf(pattern), session.subscriptionBytes);
    const free = this.#maxBytes - this.index.bytes;
    if (asked <= free * SHARE) return true;
    this.#refusals.note('subscriptions.no_room', {
      option: 'maxSubscriptionBytes',
      why: overLimit('maxSubscriptionBytes', this.#maxBytes),
      limit: this.#maxBytes,
      bytes: this.index.bytes,
      session: session.id,
    });
    return false;
  }

  /** Takes effect at once (SB-7). Resolves when events from other nodes arrive too. */
  add(session: Subscriber, pattern: string): MaybePromise<void> {
    const first = !this.index.has(pattern);
    const shared = this.index.add(pattern, session);
    if (shared === undefined) return;
    session.subscriptions.add(shared);
    session.subscriptionBytes += bytesOf(pattern);
    this.#events.subscribed(session, pattern);
    return first ? this.#gainInterest(pattern) : this.#arriving.get(pattern);
  }

  remove(session: Subscriber, pattern: string): void {
    if (!this.index.remove(pattern, session)) return;
    session.subscriptions.delete(pattern);
    session.subscriptionBytes -= bytesOf(pattern);
    this.#events.unsubscribed(session, pattern);
    if (!this.index.has(pattern)) this.#loseInterest(pattern);
  }

  removeAll(session: Subscriber): void {
    for (const pattern of session.subscriptions) this.remove(session, pattern);
  }

  // All subscribers of a pattern wait until the engine has it, and all fail if the engine fails.
  #gainInterest(pattern: string): MaybePromise<void> {
    const gained = adopt(this.#engine.interest(pattern, true));
    if (!isPromise(gained)) return gained;
    const arriving = inTime(gained, 'interest of the engine', this.#timeLimit).finally(() => {
      if (this.#arriving.get(pattern) === arriving) this.#arriving.delete(pattern);
    });
    this.#arriving.set(pattern, arriving);
    return arriving;
  }

  // Not awaited: an event that still arrives finds no subscriber.
  #loseInterest(pattern: string): void {
    callOut(
      () => this.#engine.interest(pattern, false),
      (error) => this.#log({ level: 'error', event: 'engine.interest_failed', pattern, error }),
    );
  }
}
