import { inTime, type Patience } from '../lib/in-time.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Engine, Publication } from '../ports/engine.ts';
import type { Session } from '../ports/session.ts';
import type { Event, JsonObject } from '../protocol/message.ts';
import { type Delivery, type Handling, OutgoingEvent } from '../ports/outgoing-event.ts';
import type { Backlog } from './delivery/backlog.ts';
import type { Events } from './events.ts';
import type { Features } from './features.ts';
import { Gate } from './gate.ts';
import type { Hooks } from './hooks.ts';
import type { DeliveryRule, DeliveryRules } from './delivery/rules.ts';
import type { Subscriptions } from './subscriptions.ts';

/** An event that the application publishes, and how it is delivered. */
export interface Publishing extends Delivery {
  /** The name of a broadcast channel. */
  readonly channel: string;
  /** Anything that JSON can carry. */
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/** What a publisher works with. */
export interface PublisherParts {
  readonly engine: Engine;
  readonly hooks: Hooks;
  readonly features: Features;
  readonly rules: DeliveryRules;
  readonly subscriptions: Subscriptions;
  readonly events: Events;
  readonly backlog: Backlog;
  readonly options: { readonly broadcastToPublisher: boolean };
  readonly patience: Patience;
}

/** Sends events to the engine, and what the engine brings to the sessions of this node. */
export class Publisher {
  readonly #parts: PublisherParts;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /**
   * Publishes an event whose channel and right to be published were judged, and answers with it as it is delivered. Done when
   * it was stored, if its channel is durable, queued to its receivers on this node and accepted by the engine (PB-1, RP-9).
   * Throws `BayeuxError` when an extension deletes it.
   */
  publish(event: Event, session: Session | undefined, how: Delivery = {}): MaybePromise<OutgoingEvent> {
    const { hooks } = this.#parts;
    if (hooks.lists.publishing.length === 0) return this.#accept(event, session, how);
    const made = hooks.publishing(event, session);
    return isPromise(made)
      ? made.then((one) => this.#accept(one, session, how))
      : this.#accept(made, session, how);
  }

  /**
   * Publishes all of these, or none: each passes the extensions first, then each is accepted, and stored where its channel is durable.
   * Only then are they sent, one right after another.
   */
  async publishAll(given: readonly Event[], how: readonly Delivery[]): Promise<void> {
    const events: Event[] = [];
    for (const event of given) events.push(await this.#parts.hooks.publishing(event, undefined));
    const gate = new Gate<OutgoingEvent>(events.length);
    await Promise.all(
      events.map((event, at) => this.#accept(event, undefined, how[at] ?? {}, (send) => gate.pass(at, send))),
    );
  }

  /** Queues a publication for everyone on this node who subscribes to its channel. What an engine calls. */
  readonly deliver = (publication: Publication): void => {
    const { from, notToPublisher } = publication;
    const { features, rules, subscriptions, backlog } = this.#parts;
    const event = rules.isEmpty ? publication.event : ruled(publication.event, rules);
    if (features.arriving.length > 0) features.arrive(event);
    for (const session of subscriptions.index.match(event.channel)) {
      if (notToPublisher === true && session.id === from) continue;
      session.queue(event);
    }
    backlog.queued(event);
  };

  // `hold` may have an accepted event sent later.
  #accept(
    event: Event,
    session: Session | undefined,
    how: Delivery,
    hold?: (send: () => MaybePromise<OutgoingEvent>) => Promise<OutgoingEvent>,
  ): MaybePromise<OutgoingEvent> {
    const { features, rules } = this.#parts;
    const rule = rules.isEmpty ? noRule : rules.of(event.channel);
    const handling = rule === noRule ? how : handle(how, rule);
    if (hold === undefined && features.accepting.length === 0)
      return this.#send(new OutgoingEvent(event, handling), rule, session);
    const send = (made: OutgoingEvent) => {
      const work = () => this.#send(made, rule, session);
      return hold === undefined ? work() : hold(work);
    };
    return features.accept(event, handling, send) ?? send(new OutgoingEvent(event, handling));
  }

  #send(event: OutgoingEvent, rule: DeliveryRule, session: Session | undefined): MaybePromise<OutgoingEvent> {
    const { engine, events, options } = this.#parts;
    // Afterwards only its text may be left.
    const message = events.hears.published ? event.message : undefined;
    const toPublisher =
      session?.broadcastToPublisher ?? rule.broadcastToPublisher ?? options.broadcastToPublisher;
    const carried = engine.publish(
      session === undefined ? { event } : { event, from: session.id, notToPublisher: !toPublisher },
    );
    const accepted = carried === undefined ? undefined : adopt(carried);
    // An engine that hangs must not leave the publisher unanswered for ever.
    if (isPromise(accepted))
      return inTime(accepted, 'publish of the engine', this.#parts.patience).then(() =>
        this.#sent(event, message, session),
      );
    return message === undefined ? event : this.#sent(event, message, session);
  }

  #sent(event: OutgoingEvent, message: Event | undefined, session: Session | undefined): OutgoingEvent {
    if (message === undefined) return event;
    const { channel, data } = message;
    this.#parts.events.emit('published', { channel, data, ...(session !== undefined && { session }) });
    return event;
  }
}

const noRule: DeliveryRule = Object.freeze({});

// What the publisher says of an event stands above the rule of its channel.
function handle(how: Delivery, { lazy, overflow }: DeliveryRule): Handling {
  if (overflow === undefined && lazy === undefined) return how;
  return { ...how, lazy: how.lazy ?? lazy ?? false, overflow, isRuled: true };
}

// An event from another node brings no rule: each node applies its own.
function ruled(event: OutgoingEvent, rules: DeliveryRules): OutgoingEvent {
  if (event.isRuled) return event;
  const { lazy, overflow } = rules.of(event.channel);
  if (overflow === undefined && lazy === undefined) return event;
  return new OutgoingEvent(event.message, {
    ...event,
    lazy: event.lazy || (lazy ?? false),
    overflow,
    isRuled: true,
  });
}
