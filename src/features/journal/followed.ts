import type { CloseReason } from '../../ports/conduit.ts';
import type { Loss, ServedSession, SessionFeature } from '../../ports/feature.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { Repeat } from '../../ports/repeat.ts';
import type { Outgoing } from '../../protocol/outgoing.ts';
import type { Fate } from './publishes.ts';

/** What a session tells of itself. */
export interface FollowedOwner {
  now(): number;
  happened(publish: number, session: Followed, fate: Fate, counts: boolean): void;
  lost(event: OutgoingEvent, session: Followed, why: Loss): void;
  subscribed(pattern: string, session: Followed, isOn: boolean): void;
  closed(session: Followed, reason: CloseReason): void;
}

/** A session that the journal follows. */
export class Followed implements SessionFeature {
  /** Stands for the session in lists. */
  readonly number: number;
  readonly session: ServedSession;
  readonly #owner: FollowedOwner;
  /** The last event that the server had kept and brought: one of a replay, or a message for a user who was offline. */
  brought: { readonly channel: string; readonly at: number } | undefined;

  constructor(number: number, session: ServedSession, owner: FollowedOwner) {
    this.number = number;
    this.session = session;
    this.#owner = owner;
  }

  handedOver(batch: readonly Outgoing[]): void {
    for (const event of batch) {
      if (!(event instanceof OutgoingEvent)) continue;
      if (event.replayed) this.brought = { channel: event.channel, at: this.#owner.now() };
      else this.#note(event, 'handedOver');
    }
  }

  confirmed(events: readonly OutgoingEvent[]): void {
    for (const event of events) this.#note(event, 'confirmed');
  }

  returned(events: readonly OutgoingEvent[]): void {
    for (const event of events) this.#note(event, 'returned');
  }

  lost(event: OutgoingEvent, why: Loss): void {
    this.#note(event, 'lost');
    this.#owner.lost(event, this, why);
  }

  subscribed(pattern: string): void {
    this.#owner.subscribed(pattern, this, true);
  }

  unsubscribed(pattern: string): void {
    this.#owner.subscribed(pattern, this, false);
  }

  closed(reason: CloseReason): void {
    this.#owner.closed(this, reason);
  }

  // An event that is sent again is counted once.
  #note(event: OutgoingEvent, fate: Fate): void {
    const { publishId } = event;
    if (publishId !== undefined)
      this.#owner.happened(publishId, this, fate, fate !== 'handedOver' || !(event instanceof Repeat));
  }
}
