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

/** How often in one `revalidateEvery` the sessions are looked through. */
const ROUNDS = 8;
/** The most that is kept of a handshake. Characters of JSON. */
const MOST_KEPT = 8192;

/** When the policy was last asked about a session, and what it is asked with again. */
class Validity {
  askedAt: number;
  /** There while the policy thinks. */
  asking: Promise<void> | undefined;
  // As text, which takes less memory than what it stands for.
  readonly #kept: string | undefined;

  constructor(kept: string | undefined, now: number) {
    this.#kept = kept;
    this.askedAt = now;
  }

  /** The handshake, as far as it was kept. */
  get request(): HandshakeRequest {
    const kept = this.#kept === undefined ? {} : JSON.parse(this.#kept);
    return { kind: 'handshake', channel: '/meta/handshake', ...kept };
  }
}

/** How often the policy is asked again. */
type RevalidationOptions = {
  /** Milliseconds. */
  readonly revalidateEvery: number;
  /** What becomes of a session where the policy fails to answer. */
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
    doc: 'What happens to a session when the policy, asked again, fails to answer: its client shakes hands again, or it goes on.',
  },
} as const satisfies OptionTable;

/** What revalidation works with. */
type RevalidationParts = {
  readonly options: RevalidationOptions;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Asks the policy again about sessions and their subscriptions, since what a cookie or a token proved grows old (SEC-6). No
 * session is served for longer than `revalidateEvery` without that: one that a conduit serves is asked about by a timer, any
 * other with its next connect.
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
    this.#timer = this.#parts.clock.after(this.#every / ROUNDS, this.#look);
  };

  readonly close = (): undefined => {
    this.#timer?.cancel();
  };

  /** Keeps what the policy is asked with again: `ext` and the fields nobody knows. */
  readonly attach: FeatureHook<'attach'> = (session, { ext, extra }, { trusted }) => {
    if (trusted === true) return [];
    const text = ext === undefined && extra === undefined ? undefined : JSON.stringify({ ext, extra });
    const isKept = text === undefined || text.length <= MOST_KEPT;
    if (!isKept)
      this.#parts.log({
        level: 'warn',
        event: 'revalidation.not_kept',
        session: session.id,
        most: MOST_KEPT,
      });
    const validity = new Validity(isKept ? text : undefined, this.#parts.clock.now());
    this.#validities.set(session, validity);
    return [{ connecting: (_request, conduit) => this.#connecting(session, validity, conduit) }];
  };

  // A connect came: asks if it is time to. Done when the policy has answered about the session.
  #connecting(session: ServedSession, validity: Validity, conduit: Conduit): MaybePromise<void> {
    if (validity.asking !== undefined) return validity.asking;
    if (this.#ageOf(validity) >= this.#every) return this.#ask(session, validity, conduit);
  }

  readonly #look = (): void => {
    for (const session of this.#host?.sessions ?? []) {
      const validity = this.#validities.get(session);
      const { carrier } = session;
      if (validity === undefined || carrier === undefined || validity.asking !== undefined) continue;
      // With the next round it would be too old.
      const isDue = this.#ageOf(validity) + this.#every / ROUNDS > this.#every;
      if (isDue) void this.#ask(session, validity, carrier);
    }
    this.#timer = this.#parts.clock.after(this.#every / ROUNDS, this.#look);
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

  // One after another; no connect waits for it.
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

  // What a policy throws for clients is its refusal; otherwise it failed, which is logged already.
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

// No room for others is no reason to go.
function isAllowed(answer: HandshakeAnswer | undefined): boolean {
  return answer === 'busy' || answer === true || (typeof answer === 'object' && answer.allow);
}

export const revalidationModule = {
  sections: { 'Sessions and time': rows },
  make: (parts: RevalidationParts): Feature | undefined =>
    parts.options.revalidateEvery > 0 ? new Revalidation(parts) : undefined,
} as const satisfies FeatureModule;
