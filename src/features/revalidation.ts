import { BayeuxError } from '../protocol/errors.ts';
import type { HandshakeRequest, SubscribeRequest } from '../protocol/message.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Feature, FeatureHook, FeatureHost, FeatureModule, ServedSession } from '../ports/feature.ts';
import { andThen, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import { ms } from '../options/rows.ts';
import type { OptionTable } from '../options/table.ts';
import type { HandshakeAnswer } from '../ports/policy.ts';

/** Checks of all sessions within one `revalidateEvery`. */
const ROUNDS = 8;
/** Longest handshake data that is kept. Characters of JSON. */
const MAX_KEPT = 8192;

/** When the policy was last asked about a session, and the handshake data to ask again with. */
class Validity {
  askedAt: number;
  /** Set until the policy answers. */
  asking: Promise<void> | undefined;
  // JSON text, which takes less memory than the object.
  readonly #kept: string | undefined;

  constructor(kept: string | undefined, now: number) {
    this.#kept = kept;
    this.askedAt = now;
  }

  /** The handshake, with the fields that were kept. */
  get request(): HandshakeRequest {
    const kept = this.#kept === undefined ? {} : JSON.parse(this.#kept);
    return { kind: 'handshake', channel: '/meta/handshake', ...kept };
  }
}

/** How often the policy is asked again. */
type RevalidationOptions = {
  /** Milliseconds. */
  readonly revalidateEvery: number;
  /** Whether a session goes on or ends when the policy fails to answer. */
  readonly revalidateFailure: 'keep' | 'end';
};

const rows = {
  revalidateEvery: ms(
    0,
    'How often the policy is asked again about a session and its subscriptions; 0 is never.',
  ),
  revalidateFailure: {
    kind: 'word',
    words: ['end', 'keep'],
    default: 'end',
    doc: 'If the policy fails when it is asked again: `end` makes the client shake hands again, `keep` lets the session continue.',
  },
} as const satisfies OptionTable;

/** The parts of the server that revalidation uses. */
type RevalidationParts = {
  readonly options: RevalidationOptions;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Asks the policy again about sessions and their subscriptions, since a cookie or token may no longer be valid (SEC-6). No
 * session is served for longer than `revalidateEvery` without asking: a timer asks about sessions that a conduit serves
 * now, and the next connect about any other.
 */
class Revalidation implements Feature {
  readonly name = 'revalidation';
  readonly #parts: RevalidationParts;
  readonly #every: number;
  readonly #validities = new WeakMap<ServedSession, Validity>();
  #host: FeatureHost | undefined;
  #timer: Timer | undefined;

  constructor(parts: RevalidationParts) {
    this.#parts = parts;
    this.#every = parts.options.revalidateEvery;
  }

  readonly start = (host: FeatureHost): void => {
    this.#host = host;
    this.#timer = this.#parts.clock.after(this.#every / ROUNDS, this.#checkAll);
  };

  readonly close = (): undefined => {
    this.#timer?.cancel();
  };

  /** Keeps the data to ask the policy again with: `ext` and unknown fields. */
  readonly attach: FeatureHook<'attach'> = (session, { ext, extra }, { trusted }) => {
    if (trusted === true) return [];
    const text = ext === undefined && extra === undefined ? undefined : JSON.stringify({ ext, extra });
    const isKept = text === undefined || text.length <= MAX_KEPT;
    if (!isKept)
      this.#parts.log({
        level: 'warn',
        event: 'revalidation.not_kept',
        session: session.id,
        most: MAX_KEPT,
      });
    const validity = new Validity(isKept ? text : undefined, this.#parts.clock.now());
    this.#validities.set(session, validity);
    return [{ connecting: (_request, conduit) => this.#connecting(session, validity, conduit) }];
  };

  // Asks the policy if it is time to. The connect waits for the answer about the session.
  #connecting(session: ServedSession, validity: Validity, conduit: Conduit): MaybePromise<void> {
    if (validity.asking !== undefined) return validity.asking;
    if (this.#ageOf(validity) >= this.#every) return this.#ask(session, validity, conduit);
  }

  readonly #checkAll = (): void => {
    for (const session of this.#host?.sessions ?? []) {
      const validity = this.#validities.get(session);
      const { carrier } = session;
      if (validity === undefined || carrier === undefined || validity.asking !== undefined) continue;
      // At the next check it would be too late.
      const isDue = this.#ageOf(validity) + this.#every / ROUNDS > this.#every;
      if (isDue) void this.#ask(session, validity, carrier);
    }
    this.#timer = this.#parts.clock.after(this.#every / ROUNDS, this.#checkAll);
  };

  #ageOf({ askedAt }: Validity): number {
    return this.#parts.clock.now() - askedAt;
  }

  #ask(session: ServedSession, validity: Validity, conduit: Conduit): MaybePromise<void> {
    validity.askedAt = this.#parts.clock.now();
    const asked = recover<void>(
      () =>
        andThen(this.#host?.canHandshake(validity.request, conduit, session), (answer) => {
          if (isAllowed(answer)) void this.#askAboutSubscriptions(session, conduit);
          else this.#revoke(session);
        }),
      (error) => this.#failed(session, error, () => this.#revoke(session)),
    );
    if (!isPromise(asked)) return;
    validity.asking = asked.finally(() => {
      validity.asking = undefined;
    });
    return validity.asking;
  }

  // Asks about one subscription after another. No connect waits for this.
  async #askAboutSubscriptions(session: ServedSession, conduit: Conduit): Promise<void> {
    for (const pattern of [...session.subscriptions]) {
      if (session.state === 'gone') return;
      const request: SubscribeRequest = {
        kind: 'subscribe',
        channel: '/meta/subscribe',
        subscription: pattern,
      };
      try {
        const answer = this.#host?.canSubscribe(pattern, request, session, conduit);
        if (!(isPromise(answer) ? await answer : answer)) this.#drop(session, pattern);
      } catch (error) {
        this.#failed(session, error, () => this.#drop(session, pattern));
      }
    }
  }

  #revoke(session: ServedSession): void {
    if (session.state === 'gone') return;
    this.#parts.log({ level: 'warn', event: 'session.revoked', session: session.id });
    session.disconnect('revoked');
  }

  #drop(session: ServedSession, pattern: string): void {
    if (!session.subscriptions.has(pattern)) return;
    this.#parts.log({ level: 'warn', event: 'subscription.revoked', session: session.id, pattern });
    this.#host?.unsubscribe(session, pattern);
  }

  // A `BayeuxError` that a policy throws is a refusal, except `server_error`. Any other error is a failure, already logged.
  #failed(session: ServedSession, error: unknown, refuse: () => void): void {
    if (error instanceof BayeuxError && error.code !== 'server_error') {
      refuse();
      return;
    }
    if (this.#parts.options.revalidateFailure === 'keep' || session.state === 'gone') return;
    this.#parts.log({ level: 'warn', event: 'session.unverified', session: session.id });
    session.startOver('unverified');
  }
}

// `busy` refuses new sessions only.
function isAllowed(answer: HandshakeAnswer | undefined): boolean {
  return answer === 'busy' || answer === true || (typeof answer === 'object' && answer.allow);
}

export const revalidationModule = {
  sections: { 'Sessions and time': rows },
  make: (parts: RevalidationParts): Feature | undefined =>
    parts.options.revalidateEvery > 0 ? new Revalidation(parts) : undefined,
} as const satisfies FeatureModule;
