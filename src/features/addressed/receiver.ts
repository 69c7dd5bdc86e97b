import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Outgoing } from '../../protocol/outgoing.ts';
import { type Recipient, type Tracked, trackedOf } from './tracked.ts';

/** Most messages that are followed for one session. */
const MAX_FOLLOWED = 1000;

/** What a receiver tells of its session. */
export interface ReceiverOwner {
  /** The session has its first connect, which waits for the promise. */
  connected(receiver: Receiver): MaybePromise<void>;
  /** There may be room for more messages. */
  hasRoom(receiver: Receiver): void;
  closed(receiver: Receiver): void;
}

/** A session of a user as a receiver of messages: knows which of them were handed over. */
export class Receiver implements SessionFeature, Recipient {
  readonly session: ServedSession;
  readonly user: string;
  /** Whether a connect of the session has come. */
  hasConnected = false;
  readonly waitsToo = new Set<number>();
  readonly #owner: ReceiverOwner;
  // Messages in the queue of the session.
  readonly #waiting = new Set<Tracked>();

  constructor(session: ServedSession, user: string, owner: ReceiverOwner) {
    this.session = session;
    this.user = user;
    this.#owner = owner;
  }

  get isGone(): boolean {
    return this.session.state === 'gone';
  }

  queue(event: OutgoingEvent, tracked: Tracked): boolean {
    if (this.#waiting.size >= MAX_FOLLOWED) this.#forgetOldest();
    this.#waiting.add(tracked);
    const isQueued = this.session.queue(event);
    if (!isQueued) this.#lose(tracked);
    return isQueued;
  }

  forget(tracked: Tracked): void {
    this.#waiting.delete(tracked);
  }

  connecting(): MaybePromise<void> {
    if (this.hasConnected) return;
    this.hasConnected = true;
    return this.#owner.connected(this);
  }

  handedOver(batch: readonly Outgoing[]): void {
    if (this.#waiting.size === 0) return;
    for (const outgoing of batch) {
      const tracked = outgoing instanceof OutgoingEvent ? trackedOf(outgoing) : undefined;
      if (tracked !== undefined && this.#waiting.delete(tracked)) tracked.handedOver(this);
    }
  }

  lost(event: OutgoingEvent): void {
    const tracked = trackedOf(event);
    if (tracked !== undefined) this.#lose(tracked);
  }

  confirmed(events: readonly OutgoingEvent[]): void {
    for (const event of events) trackedOf(event)?.confirmed(this);
  }

  queueMore(): void {
    this.#owner.hasRoom(this);
  }

  closed(): void {
    for (const tracked of [...this.#waiting]) this.#lose(tracked);
    this.#owner.closed(this);
  }

  #forgetOldest(): void {
    for (const tracked of this.#waiting) {
      if (!tracked.forget(this)) continue;
      this.#waiting.delete(tracked);
      return;
    }
  }

  #lose(tracked: Tracked): void {
    if (this.#waiting.delete(tracked)) tracked.lost(this);
  }
}
