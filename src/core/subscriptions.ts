import { overLimit } from '../protocol/over-limit.ts';
import { callOut } from '../lib/callback.ts';
import type { Engine } from '../ports/engine.ts';
import type { Events } from './events.ts';
import type { Log } from '../lib/log.ts';
import { inTime, type Patience } from '../lib/in-time.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Session } from '../ports/session.ts';
import type { OutgoingEvent } from '../ports/outgoing-event.ts';
import { bytesOf, ChannelIndex, type Stamped } from '../channels/channel-index.ts';
import type { Refusals } from './refusals.ts';

/** One session may use this part of the room that is free: sessions that take all they can leave some for each other one. */
const SHARE = 1 / 16;

/** A session, as it subscribes. */
export interface Subscriber extends Session, Stamped {
  readonly subscriptions: Set<string>;
  /** What its subscriptions take in memory, were it alone with them. Bytes. */
  subscriptionBytes: number;
  queue(event: OutgoingEvent): void;
}

/** What subscriptions work with. */
export interface SubscriptionParts {
  readonly engine: Engine;
  readonly events: Events;
  readonly log: Log;
  readonly refusals: Refusals;
  readonly patience: Patience;
  /** The option `maxSubscriptionBytes`. */
  readonly maxBytes: number;
}

/** Who on this node listens to what. Tells the engine which patterns somebody here wants to hear. */
export class Subscriptions {
  /** Who subscribes to what. Do not change it. */
  readonly index = new ChannelIndex<Subscriber>();
  // Of patterns whose events the engine does not bring yet.
  readonly #arriving = new Map<string, Promise<void>>();
  readonly #engine: Engine;
  readonly #events: Events;
  readonly #log: Log;
  readonly #refusals: Refusals;
  readonly #patience: Patience;
  readonly #maxBytes: number;

  constructor({ engine, events, log, refusals, patience, maxBytes }: SubscriptionParts) {
    this.#engine = engine;
    this.#events = events;
    this.#log = log;
    this.#refusals = refusals;
    this.#patience = patience;
    this.#maxBytes = maxBytes;
  }

  /** Names and patterns that anyone subscribes to. */
  get size(): number {
    return this.index.size;
  }

  /** Whether there is memory for these subscriptions of a session, besides those it has. Logs it when there is not. */
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

  /** In effect at once (SB-7); resolves when events from other nodes arrive too. */
  add(session: Subscriber, pattern: string): MaybePromise<void> {
    const first = !this.index.has(pattern);
    const shared = this.index.add(pattern, session);
    if (shared === undefined) return;
    session.subscriptions.add(shared);
    session.subscriptionBytes += bytesOf(pattern);
    this.#events.emit('channel.subscribed', { session, pattern });
    return first ? this.#gainInterest(pattern) : this.#arriving.get(pattern);
  }

  remove(session: Subscriber, pattern: string): void {
    if (!this.index.remove(pattern, session)) return;
    session.subscriptions.delete(pattern);
    session.subscriptionBytes -= bytesOf(pattern);
    this.#events.emit('channel.unsubscribed', { session, pattern });
    if (!this.index.has(pattern)) this.#loseInterest(pattern);
  }

  removeAll(session: Subscriber): void {
    for (const pattern of session.subscriptions) this.remove(session, pattern);
  }

  // All who subscribe to a pattern wait until it is in force, and each fails with it.
  #gainInterest(pattern: string): MaybePromise<void> {
    const gained = adopt(this.#engine.interest(pattern, true));
    if (!isPromise(gained)) return gained;
    const arriving = inTime(gained, 'interest of the engine', this.#patience).finally(() => {
      if (this.#arriving.get(pattern) === arriving) this.#arriving.delete(pattern);
    });
    this.#arriving.set(pattern, arriving);
    return arriving;
  }

  // Nobody waits for it: what still arrives finds no subscriber.
  #loseInterest(pattern: string): void {
    callOut(
      () => this.#engine.interest(pattern, false),
      (error) => this.#log({ level: 'error', event: 'engine.interest_failed', pattern, error }),
    );
  }
}
