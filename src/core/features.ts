import type { Conduit } from '../ports/conduit.ts';
import type { Feature, FeatureHost, ServedSession, SessionFeature } from '../ports/feature.ts';
import type { HandshakeRequest } from '../protocol/message.ts';

const none: readonly SessionFeature[] = [];

/** The features of a server, by hook, so that nothing is asked that has no such hook. */
export class Features {
  readonly all: readonly Feature[];
  readonly checking: readonly Feature[];
  readonly accepting: readonly Feature[];
  readonly arriving: readonly Feature[];
  readonly subscribing: readonly Feature[];
  readonly #attaching: readonly Feature[];

  constructor(features: readonly Feature[]) {
    this.all = features;
    this.checking = features.filter(({ checking }) => checking !== undefined);
    this.accepting = features.filter(({ accepting }) => accepting !== undefined);
    this.arriving = features.filter(({ arriving }) => arriving !== undefined);
    this.subscribing = features.filter(({ subscribing }) => subscribing !== undefined);
    this.#attaching = features.filter(({ attach }) => attach !== undefined);
  }

  start(host: FeatureHost): void {
    for (const feature of this.all) feature.start?.(host);
  }

  /** The parts that a new session has in them. */
  attach(session: ServedSession, request: HandshakeRequest, conduit: Conduit): readonly SessionFeature[] {
    if (this.#attaching.length === 0) return none;
    const parts = this.#attaching.flatMap((feature) => feature.attach?.(session, request, conduit) ?? []);
    return parts.length === 0 ? none : parts;
  }

  /** Refuses data that may not be published to a channel. Throws `BayeuxError`. */
  check(channel: string, data: unknown): void {
    for (const feature of this.checking) feature.checking?.(channel, data);
  }
}
