import type { TaskQueue } from '../lib/task-queue.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Engine, Publication, Receipt as Counting, Receiver } from '../ports/engine.ts';
import type { Addressee, Carry } from '../ports/feature.ts';
import type { Session } from '../ports/session.ts';
import { errors } from '../protocol/errors.ts';
import type { Event, JsonObject } from '../protocol/message.ts';
import { type Delivery, OutgoingEvent } from '../ports/outgoing-event.ts';
import type { FoundRule } from '../channels/channel-rules.ts';
import type { Counts } from './counts.ts';
import { engineAnswer, type EngineLimit } from './engine-answer.ts';
import type { Backlog } from './delivery/backlog.ts';
import type { Flusher } from './delivery/flusher.ts';
import type { Events } from './events.ts';
import type { Features } from './features.ts';
import { Gate } from './gate.ts';
import type { Hooks } from './hooks.ts';
import { type DeliveryRule, type DeliveryRules, handlingBy, ruled } from './delivery/rules.ts';
import type { Subscriptions } from './subscriptions.ts';

/** An event that the application publishes, and how it is delivered. */
export interface Publishing extends Delivery {
  /** The name of a broadcast channel. */
  readonly channel: string;
  /** Anything that JSON can carry. */
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/** The result of a publish. */
export interface Published {
  /** Sessions of this node for which the event was queued. */
  readonly sessions: number;
  /** Id of the event, if its channel is durable. */
  readonly id?: number;
  /** Id of the publish in the journal, if there is one. */
  readonly publishId?: number;
}

/** Learns who has an event, and that the answer takes time. */
interface Sender {
  handedOver(to: 'engine' | 'store'): void;
}

/** A session that publishes. */
interface Source extends Session {
  readonly stores: TaskQueue | undefined;
}

/** Counts the sessions of this node for which an event of the server was queued. */
class Receipt implements Counting {
  sessions = 0;

  queue(event: OutgoingEvent, receivers: readonly Receiver[]): void {
    for (const session of receivers) if (session.queue(event)) this.sessions += 1;
  }

  of({ replayId, publishId }: OutgoingEvent): Published {
    return {
      sessions: this.sessions,
      ...(replayId !== undefined && { id: replayId }),
      ...(publishId !== undefined && { publishId }),
    };
  }
}

/** The parts of the server that a publisher needs. */
export interface PublisherParts {
  readonly engine: Engine;
  readonly hooks: Hooks;
  readonly features: Features;
  readonly rules: DeliveryRules;
  readonly subscriptions: Subscriptions;
  readonly sessions: { byId(id: string): Addressee | undefined };
  readonly events: Events;
  readonly backlog: Backlog;
  readonly flusher: Pick<Flusher, 'queued'>;
  readonly counts: Pick<Counts, 'publishes'>;
  readonly options: { readonly broadcastToPublisher: boolean };
  readonly engineLimit: EngineLimit;
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
   * by the engine (PB-1, RP-9). Throws `BayeuxError` when an extension deletes the event. `sender` learns when the engine has the
   * event, or a feature stores it, but has not answered.
   */
  publish(event: Event, session: Source | undefined, sender: Sender): MaybePromise<OutgoingEvent> {
    const { hooks } = this.#parts;
    if (hooks.lists.publishing.length === 0) return this.#accept(event, session, noOptions, sender);
    const made = hooks.publishing(event, session);
    return isPromise(made)
      ? made.then((passed) => this.#accept(passed, session, noOptions, sender))
      : this.#accept(made, session, noOptions, sender);
  }

  /** Publishes an event of the server itself inside the extensions that are around such work. */
  around<T>(event: Event, publish: () => Promise<T>): MaybePromise<T> {
    const { hooks, rules } = this.#parts;
    const request = { kind: 'publish', hasData: true, ...event } as const;
    const work = { request, arrival: undefined, pattern: rules.patternOf(event.channel) };
    return hooks.around(hooks.lists.around.publish, work, publish);
  }

  /** Publishes an event of the server itself, and counts the sessions for which it was queued. */
  async publishOwn(event: Event, options: Delivery): Promise<Published> {
    const receipt = new Receipt();
    const passed = this.#parts.hooks.publishing(event, undefined);
    // Without a promise there is no `await`: the event is queued before this returns, so that the order of calls counts.
    const made = isPromise(passed) ? await passed : passed;
    return receipt.of(await this.#accept(made, undefined, options, undefined, receipt));
  }

  /**
   * Publishes all of these events, or none. First each event passes the extensions. Then each is accepted,
   * and stored if its channel is durable. Only then are they sent, directly one after another.
   */
  async publishAll(originals: readonly Event[], options: readonly Delivery[]): Promise<Published[]> {
    const { hooks } = this.#parts;
    const gate = new Gate<OutgoingEvent>(originals.length);
    const passing: Promise<Event>[] = [];
    const publishing: Promise<Published>[] = [];
    // At the end of this turn's code, which fills the lists.
    const allPassed = Promise.resolve().then(() => Promise.all(passing));
    const all = Promise.resolve().then(() => Promise.all(publishing));
    const publish = async (original: Event, at: number) => {
      const earlier = passing[at - 1] ?? Promise.resolve();
      const passed = earlier.then(() => hooks.publishing(original, undefined));
      passing.push(passed);
      await allPassed;
      const receipt = new Receipt();
      const hold = (send: () => MaybePromise<OutgoingEvent>) => gate.pass(at, send);
      const how = options[at] ?? noOptions;
      return receipt.of(await this.#accept(await passed, undefined, how, undefined, receipt, hold));
    };
    const around = originals.map((original, at) =>
      this.around(original, () => {
        publishing.push(publish(original, at));
        return all;
      }),
    );
    await Promise.all(around);
    return all;
  }

  /** Queues a publication for its subscribers on this node. The engine calls this. */
  readonly deliver = (publication: Publication): void => {
    if (publication.to !== undefined) {
      this.#deliverTo(publication, publication.to);
      return;
    }
    const { from, notToPublisher, receipt } = publication;
    const { features, flusher, rules, subscriptions, backlog } = this.#parts;
    const event = rules.isEmpty ? publication.event : ruled(publication.event, rules);
    const receivers = subscriptions.index.match(event.channel);
    if (features.arriving.length > 0) features.arrive(event, receivers, publication);
    if (receivers.length > 0 && event.lazy === false) flusher.queued();
    if (receipt !== undefined) receipt.queue(event, receivers);
    else
      for (const session of receivers) {
        if (notToPublisher === true && session.id === from) continue;
        session.queue(event);
      }
    backlog.queued(event);
  };

  /** Sends an event to the sessions with these public ids, whether they subscribe or not (DL-12). Returns how many there are. */
  address(event: OutgoingEvent, to: readonly string[]): MaybePromise<number> {
    const { engine, engineLimit } = this.#parts;
    if (to.length === 0) {
      this.#deliverTo({ event }, to);
      return 0;
    }
    const receipt = new Receipt();
    const elsewhere = to.filter((id) => !id.startsWith(engine.node)).length;
    const reached = () => receipt.sessions + elsewhere;
    const sent = adopt(engine.publish({ event, to, receipt }));
    return isPromise(sent) ? engineAnswer(sent, 'a publish', engineLimit).then(reached) : reached();
  }

  #deliverTo(publication: Publication, to: readonly string[]): void {
    const { rules, sessions, backlog, features } = this.#parts;
    const event = rules.isEmpty ? publication.event : ruled(publication.event, rules);
    const receivers = to.map((id) => sessions.byId(id)).filter((session) => session !== undefined);
    if (features.arriving.length > 0) features.arrive(event, receivers);
    if (publication.receipt !== undefined) publication.receipt.queue(event, receivers);
    else for (const session of receivers) session.queue(event);
    backlog.queued(event);
  }

  // `hold` can delay the sending of an accepted event.
  #accept(
    event: Event,
    session: Source | undefined,
    options: Delivery,
    sender: Sender | undefined,
    receipt?: Receipt,
    hold?: (send: () => MaybePromise<OutgoingEvent>) => Promise<OutgoingEvent>,
  ): MaybePromise<OutgoingEvent> {
    const { features, rules } = this.#parts;
    const found = rules.isEmpty ? noRule : rules.find(event.channel);
    const handling = found === noRule ? options : handlingBy(found.rule, options);
    if (receipt === undefined && features.accepting.length === 0)
      return this.#send(new OutgoingEvent(event, handling), found, session, sender);
    let isSent = false;
    let toTell = sender;
    const send = (made: OutgoingEvent, carry?: Carry) => {
      isSent = true;
      const work = () => this.#send(made, found, session, toTell, receipt, carry);
      return hold === undefined ? work() : hold(work);
    };
    const accepted = features.accept(event, handling, send);
    if (accepted === undefined) {
      const plain = new OutgoingEvent(event, handling);
      const stored = session?.stores?.last;
      if (stored === undefined) return send(plain);
      // PR-12: a feature still stores what the session published before.
      return stored.then(() => {
        if (session?.state === 'gone') throw errors.sessionUnknown();
        return send(plain);
      });
    }
    if (session !== undefined && !isSent && isPromise(accepted)) {
      toTell = undefined;
      sender?.handedOver('store');
    }
    return accepted;
  }

  #send(
    event: OutgoingEvent,
    { rule, at }: FoundRule<DeliveryRule>,
    session: Session | undefined,
    sender: Sender | undefined,
    receipt?: Receipt,
    carry?: Carry,
  ): MaybePromise<OutgoingEvent> {
    const { counts, engine, events, options } = this.#parts;
    counts.publishes[at] = (counts.publishes[at] ?? 0) + 1;
    // Read now: after the publish, the event may keep only its text.
    const message = events.hears.published ? event.message : undefined;
    const byRule = rule.broadcastToPublisher ?? options.broadcastToPublisher;
    const publication =
      session === undefined
        ? fromServer(event, receipt)
        : { event, from: session.id, notToPublisher: !(session.broadcastToPublisher ?? byRule) };
    const carried: MaybePromise<unknown> =
      carry === undefined ? engine.publish(publication) : carry(publication);
    const accepted = carried === undefined ? undefined : adopt(carried);
    if (isPromise(accepted)) {
      sender?.handedOver('engine');
      return engineAnswer(accepted, 'a publish', this.#parts.engineLimit).then((delivered) =>
        this.#sent(delivered instanceof OutgoingEvent ? delivered : event, message, session),
      );
    }
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
const noOptions: Delivery = Object.freeze({});

function fromServer(event: OutgoingEvent, receipt: Receipt | undefined): Publication {
  return receipt === undefined ? { event } : { event, receipt };
}
