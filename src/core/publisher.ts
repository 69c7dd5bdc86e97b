import { inTime, type TimeLimit } from '../lib/in-time.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Engine, Publication } from '../ports/engine.ts';
import type { Session } from '../ports/session.ts';
import type { Event, JsonObject } from '../protocol/message.ts';
import { type Delivery, type Handling, OutgoingEvent } from '../ports/outgoing-event.ts';
import type { FoundRule } from '../channels/channel-rules.ts';
import type { Counts } from './counts.ts';
import type { Backlog } from './delivery/backlog.ts';
import type { Flusher } from './delivery/flusher.ts';
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

/** The parts of the server that a publisher needs. */
export interface PublisherParts {
  readonly engine: Engine;
  readonly hooks: Hooks;
  readonly features: Features;
  readonly rules: DeliveryRules;
  readonly subscriptions: Subscriptions;
  readonly events: Events;
  readonly backlog: Backlog;
  readonly flusher: Pick<Flusher, 'queued'>;
  readonly counts: Pick<Counts, 'publishes'>;
  readonly options: { readonly broadcastToPublisher: boolean };
  readonly timeLimit: TimeLimit;
}

/** Hands events to the engine, and events from the engine to the sessions of this node. */
export class Publisher {
  readonly #parts: PublisherParts;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /**
   * Publishes an event whose channel and permission were checked, and returns the event as delivered. Done
   * when the event is stored (if its channel is durable), queued for its receivers on this node and accepted
   * by the engine (PB-1, RP-9). Throws `BayeuxError` when an extension deletes the event.
   */
  publish(event: Event, session: Session | undefined, options: Delivery = {}): MaybePromise<OutgoingEvent> {
    const { hooks } = this.#parts;
    if (hooks.lists.publishing.length === 0) return this.#accept(event, session, options);
    const made = hooks.publishing(event, session);
    return isPromise(made)
      ? made.then((passed) => this.#accept(passed, session, options))
      : this.#accept(made, session, options);
  }

  /**
   * Publishes all of these events, or none. First each event passes the extensions. Then each is accepted,
   * and stored if its channel is durable. Only then are they sent, directly one after another.
   */
  async publishAll(originals: readonly Event[], options: readonly Delivery[]): Promise<void> {
    const events: Event[] = [];
    for (const event of originals) events.push(await this.#parts.hooks.publishing(event, undefined));
    const gate = new Gate<OutgoingEvent>(events.length);
    await Promise.all(
      events.map((event, at) =>
        this.#accept(event, undefined, options[at] ?? {}, (send) => gate.pass(at, send)),
      ),
    );
  }

  /** Queues a publication for its subscribers on this node. The engine calls this. */
  readonly deliver = (publication: Publication): void => {
    const { from, notToPublisher } = publication;
    const { features, flusher, rules, subscriptions, backlog } = this.#parts;
    const event = rules.isEmpty ? publication.event : ruled(publication.event, rules);
    if (features.arriving.length > 0) features.arrive(event);
    const sessions = subscriptions.index.match(event.channel);
    if (sessions.length > 0 && event.lazy === false) flusher.queued();
    for (const session of sessions) {
      if (notToPublisher === true && session.id === from) continue;
      session.queue(event);
    }
    backlog.queued(event);
  };

  // `hold` can delay the sending of an accepted event.
  #accept(
    event: Event,
    session: Session | undefined,
    options: Delivery,
    hold?: (send: () => MaybePromise<OutgoingEvent>) => Promise<OutgoingEvent>,
  ): MaybePromise<OutgoingEvent> {
    const { features, rules } = this.#parts;
    const found = rules.isEmpty ? noRule : rules.find(event.channel);
    const handling = found === noRule ? options : handle(options, found.rule);
    if (hold === undefined && features.accepting.length === 0)
      return this.#send(new OutgoingEvent(event, handling), found, session);
    const send = (made: OutgoingEvent) => {
      const work = () => this.#send(made, found, session);
      return hold === undefined ? work() : hold(work);
    };
    return features.accept(event, handling, send) ?? send(new OutgoingEvent(event, handling));
  }

  #send(
    event: OutgoingEvent,
    { rule, at }: FoundRule<DeliveryRule>,
    session: Session | undefined,
  ): MaybePromise<OutgoingEvent> {
    const { counts, engine, events, options } = this.#parts;
    counts.publishes[at] = (counts.publishes[at] ?? 0) + 1;
    // Read now: after the publish, the event may keep only its text.
    const message = events.hears.published ? event.message : undefined;
    const toPublisher =
      session?.broadcastToPublisher ?? rule.broadcastToPublisher ?? options.broadcastToPublisher;
    const carried = engine.publish(
      session === undefined ? { event } : { event, from: session.id, notToPublisher: !toPublisher },
    );
    const accepted = carried === undefined ? undefined : adopt(carried);
    // An engine that hangs must not leave the publisher without an answer.
    if (isPromise(accepted))
      return inTime(accepted, 'publish of the engine', this.#parts.timeLimit).then(() =>
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

const noRule: FoundRule<DeliveryRule> = Object.freeze({ rule: Object.freeze({}), at: 0 });

// The options of the publisher override the rule of the channel.
function handle(options: Delivery, { lazy = false, volatile = false, overflow }: DeliveryRule): Handling {
  if (overflow === undefined && lazy === false && !volatile) return options;
  return {
    ...options,
    lazy: options.lazy ?? lazy,
    volatile: options.volatile ?? volatile,
    overflow,
    isRuled: true,
  };
}

// An event from another node comes without its rule: each node applies its own.
function ruled(event: OutgoingEvent, rules: DeliveryRules): OutgoingEvent {
  if (event.isRuled) return event;
  const { lazy = false, volatile = false, overflow } = rules.of(event.channel);
  if (overflow === undefined && lazy === false && !volatile) return event;
  return new OutgoingEvent(event.message, {
    ...event,
    lazy: event.lazy || lazy,
    volatile: event.volatile || volatile,
    overflow,
    isRuled: true,
  });
}
