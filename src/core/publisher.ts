import type { Event } from '../protocol/message.ts';
import { type Delivery, type Handling, OutgoingEvent } from '../protocol/outgoing.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Engine, Publication } from '../ports/engine.ts';
import type { Events } from './events.ts';
import type { History } from './history/history.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { ChannelRule, Rules } from './options/rules.ts';
import type { Backlog } from './delivery/backlog.ts';
import type { Pipeline } from './pipeline.ts';
import type { Session } from './session.ts';

/** Sends events to the engine, and what the engine brings to the sessions of this node. */
export class Publisher {
  readonly #engine: Engine;
  readonly #pipeline: Pipeline;
  readonly #rules: Rules;
  readonly #history: History | undefined;
  readonly #subscriptions: Subscriptions;
  readonly #events: Events;
  readonly #backlog: Backlog;
  readonly #broadcastToPublisher: boolean;

  constructor(
    engine: Engine,
    pipeline: Pipeline,
    rules: Rules,
    history: History | undefined,
    subscriptions: Subscriptions,
    events: Events,
    backlog: Backlog,
    broadcastToPublisher: boolean,
  ) {
    this.#engine = engine;
    this.#pipeline = pipeline;
    this.#rules = rules;
    this.#history = history;
    this.#subscriptions = subscriptions;
    this.#events = events;
    this.#backlog = backlog;
    this.#broadcastToPublisher = broadcastToPublisher;
  }

  /**
   * Publishes an event whose channel and right to be published were judged, and answers with it as it is delivered. Done when
   * it was stored, if its channel is durable, queued to its receivers on this node and accepted by the engine (PB-1, RP-9).
   * Throws `BayeuxError` when an extension deletes it.
   */
  publish(event: Event, session: Session | undefined, how: Delivery = {}): MaybePromise<OutgoingEvent> {
    const made = this.#pipeline.publishing(event, session);
    return isPromise(made)
      ? made.then((one) => this.#record(one, session, how))
      : this.#record(made, session, how);
  }

  /** Queues a publication for everyone on this node who subscribes to its channel. What an engine calls. */
  readonly deliver = (publication: Publication): void => {
    const { event, from, notToPublisher } = publication;
    if (event.replayId !== undefined) this.#history?.delivering(event.replayId);
    const sessions = this.#subscriptions.match(event.channel);
    for (const session of sessions) {
      if (notToPublisher === true && session.id === from) continue;
      session.queue(event);
    }
    this.#backlog.queued(event);
  };

  #record(event: Event, session: Session | undefined, how: Delivery): MaybePromise<OutgoingEvent> {
    const rule = this.#rules.of(event.channel);
    const handling = handle(how, rule);
    if (this.#history === undefined || !rule.history)
      return this.#send(new OutgoingEvent(event, handling), rule, session);
    return this.#history.record(event, handling, (stored) => this.#send(stored, rule, session));
  }

  #send(event: OutgoingEvent, rule: ChannelRule, session: Session | undefined): MaybePromise<OutgoingEvent> {
    // Afterwards only its text may be left.
    const told = this.#events.heard('published') ? event.message : undefined;
    const accepted = adopt(this.#engine.publish(this.#publication(event, rule, session)));
    if (isPromise(accepted)) return accepted.then(() => this.#sent(event, told, session));
    return this.#sent(event, told, session);
  }

  #sent(event: OutgoingEvent, told: Event | undefined, session: Session | undefined): OutgoingEvent {
    if (told !== undefined) this.#tell(told, session);
    return event;
  }

  #publication(event: OutgoingEvent, rule: ChannelRule, session: Session | undefined): Publication {
    if (session === undefined) return { event };
    const toPublisher =
      session.broadcastToPublisher ?? rule.broadcastToPublisher ?? this.#broadcastToPublisher;
    return { event, from: session.id, notToPublisher: !toPublisher };
  }

  #tell({ channel, data }: Event, session: Session | undefined): void {
    this.#events.emit('published', { channel, data, ...(session !== undefined && { session }) });
  }
}

// What the publisher says of an event stands above the rule of its channel.
function handle(how: Delivery, { lazy, overflow }: ChannelRule): Handling {
  if (overflow === undefined && (lazy === undefined || how.lazy !== undefined)) return how;
  return { ...how, lazy: how.lazy ?? lazy ?? false, overflow };
}
