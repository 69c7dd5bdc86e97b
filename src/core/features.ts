import type { Conduit } from '../ports/conduit.ts';
import type { Publication } from '../ports/engine.ts';
import type {
  Answer,
  Carry,
  Feature,
  FeatureHost,
  MeteredRequest,
  ServedSession,
  SessionFeature,
} from '../ports/feature.ts';
import { having } from '../lib/having.ts';
import { andThen, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Event, HandshakeRequest, JsonObject, PublishRequest } from '../protocol/message.ts';
import type { Handling, OutgoingEvent } from '../ports/outgoing-event.ts';
import { Reserved } from './reserved.ts';

const none: readonly SessionFeature[] = [];

/** The features of a server, by hook, so that a hook that no feature has costs nothing. */
export class Features {
  readonly all: readonly Feature[];
  /** Features that identify clients, or decide what clients may do. */
  readonly judging: readonly Feature[];
  readonly revoking: readonly Feature[];
  readonly checking: readonly Feature[];
  readonly answering: readonly Feature[];
  readonly accepting: readonly Feature[];
  readonly arriving: readonly Feature[];
  readonly subscribing: readonly Feature[];
  readonly admitting: readonly Feature[];
  readonly hungUp: readonly Feature[];
  readonly pacing: readonly Feature[];
  readonly metering: readonly Feature[];
  /** Undefined if no feature reserves channels, so that this costs nothing. */
  readonly reserved: Reserved | undefined;
  readonly #attaching: readonly Feature[];

  constructor(features: readonly Feature[]) {
    this.all = features;
    this.judging = having(features, 'identifying', 'permitting');
    this.revoking = having(features, 'revoking');
    this.checking = having(features, 'checking');
    this.answering = having(features, 'answering');
    this.accepting = having(features, 'accepting');
    this.arriving = having(features, 'arriving');
    this.subscribing = having(features, 'subscribing');
    this.admitting = having(features, 'admitting');
    this.hungUp = having(features, 'hungUp');
    this.pacing = having(features, 'pacing');
    this.metering = having(features, 'metering');
    const reservations = features.flatMap(({ reserves }) => reserves ?? []);
    this.reserved = reservations.length === 0 ? undefined : new Reserved(reservations);
    this.#attaching = having(features, 'attach');
  }

  start(host: FeatureHost): void {
    for (const feature of this.all) feature.start?.(host);
  }

  /** The numbers of each feature that has some, by its name. */
  measure(): Readonly<Record<string, Readonly<Record<string, number>>>> {
    const measured = this.all.map(({ name, measuring }) => [name, measuring?.() ?? {}] as const);
    return Object.fromEntries(measured.filter(([, numbers]) => Object.keys(numbers).length > 0));
  }

  /** The parts of a new session in the features. */
  attach(session: ServedSession, request: HandshakeRequest, conduit: Conduit): readonly SessionFeature[] {
    if (this.#attaching.length === 0) return none;
    const parts = this.#attaching.flatMap((feature) => feature.attach?.(session, request, conduit) ?? []);
    return parts.length === 0 ? none : parts;
  }

  /** Waits until every feature lets the handshake in. Throws `NoRoomError`. */
  admit(request: HandshakeRequest, conduit: Conduit, at = 0): MaybePromise<void> {
    const feature = this.admitting[at];
    if (feature === undefined) return;
    return andThen(feature.admitting?.(request, conduit), () => this.admit(request, conduit, at + 1));
  }

  /** The waits of the features for a batch; undefined when there are none. Throws `NoRoomError`. */
  pace(bytes: number, session: ServedSession, onlyConnects: boolean): Promise<void> | undefined {
    let all: Promise<void> | undefined;
    for (const feature of this.pacing) {
      const wait = feature.pacing?.(bytes, session, onlyConnects);
      all = all === undefined || wait === undefined ? (all ?? wait) : all.then(() => wait);
    }
    return all;
  }

  /** Throws `BayeuxError` for a message that comes too soon. */
  meter(request: MeteredRequest, session: ServedSession | undefined, conduit: Conduit): void {
    for (const feature of this.metering) feature.metering?.(request, session, conduit);
  }

  /** What carries out a publish in a feature. `undefined` if no feature does. Throws `BayeuxError`. */
  answer(request: PublishRequest, session: ServedSession | undefined, conduit: Conduit): Answer | undefined {
    for (const feature of this.answering) {
      const answer = feature.answering?.(request, session, conduit);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** Lets a feature store an accepted event and hand it on. `undefined` if no feature handles the event. */
  accept<T>(
    event: Event,
    handling: Handling,
    next: (event: OutgoingEvent, carry?: Carry) => MaybePromise<T>,
  ): MaybePromise<T> | undefined {
    for (const feature of this.accepting) {
      const accepted = feature.accepting?.(event, handling, next);
      if (accepted !== undefined) return accepted;
    }
    return undefined;
  }

  /** An event is about to be queued to the sessions of this node. */
  arrive(
    event: OutgoingEvent,
    receivers: readonly Pick<ServedSession, 'id'>[],
    publication?: Publication,
  ): void {
    for (const feature of this.arriving) feature.arriving?.(event, receivers, publication);
  }

  /** The `ext` with which an in-process session asks for the events of a pattern that came after this id. */
  resuming(pattern: string, after: number): JsonObject {
    return Object.assign({}, ...this.all.map((feature) => feature.resuming?.(pattern, after)));
  }

  /** Throws `BayeuxError` for data that may not be published to the channel. */
  check(channel: string, data: unknown): void {
    for (const feature of this.checking) feature.checking?.(channel, data);
  }
}
