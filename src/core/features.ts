import type { Conduit } from '../ports/conduit.ts';
import type { Feature, FeatureHost, ServedSession, SessionFeature } from '../ports/feature.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Event, HandshakeRequest, JsonObject } from '../protocol/message.ts';
import type { Handling, OutgoingEvent } from '../ports/outgoing-event.ts';

const none: readonly SessionFeature[] = [];

/** The features of a server, by hook, so that a hook that no feature has costs nothing. */
export class Features {
  readonly all: readonly Feature[];
  /** Features that identify clients, or decide what clients may do. */
  readonly judging: readonly Feature[];
  readonly revoking: readonly Feature[];
  readonly checking: readonly Feature[];
  readonly accepting: readonly Feature[];
  readonly arriving: readonly Feature[];
  readonly subscribing: readonly Feature[];
  readonly #attaching: readonly Feature[];

  constructor(features: readonly Feature[]) {
    this.all = features;
    this.judging = features.filter(
      ({ identifying, permitting }) => (identifying ?? permitting) !== undefined,
    );
    this.revoking = features.filter(({ revoking }) => revoking !== undefined);
    this.checking = features.filter(({ checking }) => checking !== undefined);
    this.accepting = features.filter(({ accepting }) => accepting !== undefined);
    this.arriving = features.filter(({ arriving }) => arriving !== undefined);
    this.subscribing = features.filter(({ subscribing }) => subscribing !== undefined);
    this.#attaching = features.filter(({ attach }) => attach !== undefined);
  }

  start(host: FeatureHost): void {
    for (const feature of this.all) feature.start?.(host);
  }

  /** The parts of a new session in the features. */
  attach(session: ServedSession, request: HandshakeRequest, conduit: Conduit): readonly SessionFeature[] {
    if (this.#attaching.length === 0) return none;
    const parts = this.#attaching.flatMap((feature) => feature.attach?.(session, request, conduit) ?? []);
    return parts.length === 0 ? none : parts;
  }

  /** Lets a feature store an accepted event and hand it on. `undefined` if no feature handles the event. */
  accept<T>(
    event: Event,
    handling: Handling,
    next: (event: OutgoingEvent) => MaybePromise<T>,
  ): MaybePromise<T> | undefined {
    for (const feature of this.accepting) {
      const accepted = feature.accepting?.(event, handling, next);
      if (accepted !== undefined) return accepted;
    }
    return undefined;
  }

  /** An event is about to be queued to the sessions of this node. */
  arrive(event: OutgoingEvent): void {
    for (const feature of this.arriving) feature.arriving?.(event);
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
