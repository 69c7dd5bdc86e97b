import { overLimit } from '../protocol/over-limit.ts';
import { callOut } from '../lib/callback.ts';
import type { Engine } from '../ports/engine.ts';
import type { Events } from './events.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { Session } from '../ports/session.ts';
import type { OutgoingEvent } from '../ports/outgoing-event.ts';
import { errors } from '../protocol/errors.ts';
import { bytesOf, ChannelIndex, type Stamped } from '../channels/channel-index.ts';
import { engineAnswer, type EngineLimit } from './engine-answer.ts';
import type { Refusals } from './refusals.ts';

/** Share of the free memory that one session may use, so that sessions that take all they can leave some for others. */
const SHARE = 1 / 16;

/** The part of a session that subscriptions need. */
export interface Subscriber extends Session, Stamped {
  readonly subscriptions: Set<string>;
  /** Memory of its subscriptions if no other session shared them. Bytes. */
  subscriptionBytes: number;
  queue(event: OutgoingEvent): boolean;
  subscribed(pattern: string): void;
  unsubscribed(pattern: string): void;
}

/** The parts of the server that subscriptions need. */
export interface SubscriptionParts {
  readonly engine: Engine;
  readonly events: Events;
  readonly log: Log;
  readonly refusals: Refusals;
  readonly engineLimit: EngineLimit;
  /** The option `maxSubscriptionBytes`. */
  readonly maxBytes: number;
}

/** The subscriptions of this node. Tells the engine which patterns have subscribers here. */
export class Subscriptions {
  /** Subscribers by name and pattern. Do not change the index. */
  readonly index = new ChannelIndex<Subscriber>();
  // By pattern: rejected, or pending until the engine brings its events.
  readonly #arriving = new Map<string, Promise<void>>();
  // Patterns of subscribes that wait for the engine. One that is removed meanwhile leaves its set.
  readonly #waiting = new Map<Subscriber, Set<Set<string>>>();
  readonly #engine: Engine;
  readonly #events: Events;
  readonly #log: Log;
  readonly #refusals: Refusals;
  readonly #engineLimit: EngineLimit;
  readonly #maxBytes: number;

  constructor({ engine, events, log, refusals, engineLimit, maxBytes }: SubscriptionParts) {
    this.#engine = engine;
    this.#events = events;
    this.#log = log;
    this.#refusals = refusals;
    this.#engineLimit = engineLimit;
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

  /**
   * Subscribes a session to all of these patterns, or to none (SB-2): takes effect at once (SB-7), and resolves when events from other
   * nodes arrive too. When the engine fails for one pattern, those that are new are removed again.
   */
  join(session: Subscriber, patterns: readonly string[]): MaybePromise<void> {
    const added = new Set(patterns.filter((pattern) => !session.subscriptions.has(pattern)));
    const giveUp = (error: unknown) => {
      for (const pattern of added) this.leave(session, pattern);
      throw error;
    };
    return recover(() => {
      for (const pattern of added) this.#add(session, pattern);
      if (this.#arriving.size === 0) return;
      const arriving = patterns.flatMap((pattern) => this.#arriving.get(pattern) ?? []);
      return arriving.length === 0 ? undefined : this.#waitFor(arriving, session, added);
    }, giveUp);
  }

  /** Removes a subscription, and tells the features. One that does not exist is no error (SB-8). */
  leave(session: Subscriber, pattern: string): void {
    this.#remove(session, pattern);
    session.unsubscribed(pattern);
  }

  removeAll(session: Subscriber): void {
    for (const pattern of session.subscriptions) this.#remove(session, pattern);
  }

  #add(session: Subscriber, pattern: string): void {
    // A listener, or a feature, may have ended the session when it subscribed to the pattern before.
    if (session.state === 'gone') throw errors.sessionUnknown();
    const first = !this.index.has(pattern);
    const shared = this.index.add(pattern, session);
    if (shared !== undefined) {
      session.subscriptions.add(shared);
      session.subscriptionBytes += bytesOf(pattern);
      this.#events.subscribed(session, pattern);
      if (first) this.#gainInterest(pattern);
    }
    session.subscribed(pattern);
  }

  #remove(session: Subscriber, pattern: string): void {
    if (this.#waiting.size > 0) for (const added of this.#waiting.get(session) ?? []) added.delete(pattern);
    if (!this.index.remove(pattern, session)) return;
    session.subscriptions.delete(pattern);
    session.subscriptionBytes -= bytesOf(pattern);
    this.#events.unsubscribed(session, pattern);
    if (!this.index.has(pattern)) this.#loseInterest(pattern);
  }

  async #waitFor(arriving: readonly Promise<void>[], session: Subscriber, added: Set<string>): Promise<void> {
    const all = this.#waiting.get(session) ?? new Set();
    this.#waiting.set(session, all.add(added));
    try {
      await Promise.all(arriving);
    } finally {
      all.delete(added);
      if (all.size === 0) this.#waiting.delete(session);
    }
  }

  // All subscribers of a pattern wait for one promise. A rejected one stays until they are removed: who comes meanwhile fails as well.
  #gainInterest(pattern: string): void {
    const gained = adopt(this.#engine.interest(pattern, true));
    if (!isPromise(gained)) return;
    const arriving = engineAnswer(gained, `the interest in ${pattern}`, this.#engineLimit).then(() => {
      if (this.#arriving.get(pattern) === arriving) this.#arriving.delete(pattern);
    });
    // Each waiting subscribe fails with it. It may have none left.
    arriving.catch(() => {});
    this.#arriving.set(pattern, arriving);
  }

  // Not awaited: an event that still arrives finds no subscriber.
  #loseInterest(pattern: string): void {
    this.#arriving.delete(pattern);
    callOut(
      () => this.#engine.interest(pattern, false),
      (error) => this.#log({ level: 'error', event: 'engine.interest_failed', pattern, error }),
    );
  }
}
