import type { Event } from '../protocol/message.ts';
import { type Delivery, OutgoingEvent } from '../protocol/outgoing.ts';
import type { Engine, Publication } from './engine.ts';
import type { Events } from './events.ts';
import { andThen, type MaybePromise } from './maybe-promise.ts';
import type { Pipeline } from './pipeline.ts';
import type { Rules } from './rules.ts';
import type { Session } from './session.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Sends events to the engine, and what the engine brings to the sessions of this node. */
export class Publisher {
  readonly #engine: Engine;
  readonly #pipeline: Pipeline;
  readonly #rules: Rules;
  readonly #subscriptions: Subscriptions;
  readonly #events: Events;
  readonly #broadcastToPublisher: boolean;

  constructor(
    engine: Engine,
    pipeline: Pipeline,
    rules: Rules,
    subscriptions: Subscriptions,
    events: Events,
    broadcastToPublisher: boolean,
  ) {
    this.#engine = engine;
    this.#pipeline = pipeline;
    this.#rules = rules;
    this.#subscriptions = subscriptions;
    this.#events = events;
    this.#broadcastToPublisher = broadcastToPublisher;
  }

  /**
   * Publishes an event whose channel and right to be published were judged. Done when it was queued to its receivers
   * on this node and accepted by the engine (PB-1). Throws `BayeuxError` when an extension deletes it.
   */
  publish(event: Event, session: Session | undefined, how: Delivery = {}): MaybePromise<void> {
    return andThen(this.#pipeline.publishing(event, session), (made) => {
      const publication = this.#publication(made, session, how);
      return andThen(this.#engine.publish(publication), () => this.#tell(made, session));
    });
  }

  /** Queues a publication for everyone on this node who subscribes to its channel. What an engine calls. */
  readonly deliver = (publication: Publication): void => {
    const { event, from, notToPublisher } = publication;
    const sessions = this.#subscriptions.match(event.message.channel);
    for (const session of sessions) {
      if (notToPublisher === true && session.id === from) continue;
      session.queue(event);
    }
  };

  #publication(event: Event, session: Session | undefined, how: Delivery): Publication {
    const rule = this.#rules.of(event.channel);
    const lazy = how.lazy ?? rule.lazy;
    const outgoing = new OutgoingEvent(event, lazy === undefined ? how : { ...how, lazy });
    if (session === undefined) return { event: outgoing };
    const toPublisher =
      session.broadcastToPublisher ?? rule.broadcastToPublisher ?? this.#broadcastToPublisher;
    return { event: outgoing, from: session.id, notToPublisher: !toPublisher };
  }

  #tell({ channel, data }: Event, session: Session | undefined): void {
    if (!this.#events.heard('published')) return;
    this.#events.emit('published', { channel, data, ...(session !== undefined && { session }) });
  }
}
