import { BayeuxError } from '../protocol/errors.ts';
import type { HandshakeRequest, SubscribeRequest } from '../protocol/message.ts';
import type { Timer } from '../lib/clock.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Core } from './context.ts';
import { andThen, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { HandshakeAnswer } from '../ports/policy.ts';
import type { Session } from './session.ts';

/** How often in one `revalidateEvery` the sessions are looked through. */
const ROUNDS = 8;
/** The most that is kept of a handshake. Characters of JSON. */
const MOST_KEPT = 8192;

/** When the policy was last asked about a session, and what it is asked with again. */
export class Validity {
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

type Parts = Pick<Core, 'options' | 'clock' | 'log' | 'judge' | 'sessions' | 'subscriptions'>;

/**
 * Asks the policy again about sessions and their subscriptions, since what a cookie or a token proved grows old (SEC-6). No
 * session is served for longer than `revalidateEvery` without that: one that a conduit serves is asked about by a timer, any
 * other with its next connect.
 */
export class Revalidation {
  readonly #core: Parts;
  readonly #every: number;
  #timer: Timer;

  constructor(core: Parts) {
    this.#core = core;
    this.#every = core.options.revalidateEvery;
    this.#timer = core.clock.after(this.#every / ROUNDS, this.#look);
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** A session was opened by this handshake: keeps what the policy is asked with again, `ext` and the fields nobody knows. */
  opened(session: Session, { ext, extra }: HandshakeRequest): void {
    if (session.transport === 'in-process') return;
    const text = ext === undefined && extra === undefined ? undefined : JSON.stringify({ ext, extra });
    const isKept = text === undefined || text.length <= MOST_KEPT;
    if (!isKept)
      this.#core.log({ level: 'warn', event: 'revalidation.not_kept', session: session.id, most: MOST_KEPT });
    session.validity = new Validity(isKept ? text : undefined, this.#core.clock.now());
  }

  /** A connect came: asks if it is time to. Done when the policy has answered about the session. */
  connecting(session: Session, conduit: Conduit): MaybePromise<void> {
    const { validity } = session;
    if (validity === undefined) return;
    if (validity.asking !== undefined) return validity.asking;
    if (this.#ageOf(validity) >= this.#every) return this.#ask(session, validity, conduit);
  }

  readonly #look = (): void => {
    for (const session of this.#core.sessions) {
      const { validity, carrier } = session;
      if (validity === undefined || carrier === undefined || validity.asking !== undefined) continue;
      // With the next round it would be too old.
      const isDue = this.#ageOf(validity) + this.#every / ROUNDS > this.#every;
      if (isDue) void this.#ask(session, validity, carrier);
    }
    this.#timer = this.#core.clock.after(this.#every / ROUNDS, this.#look);
  };

  #ageOf({ askedAt }: Validity): number {
    return this.#core.clock.now() - askedAt;
  }

  #ask(session: Session, validity: Validity, conduit: Conduit): MaybePromise<void> {
    validity.askedAt = this.#core.clock.now();
    const asked = recover<void>(
      () =>
        andThen(this.#core.judge.canHandshake(validity.request, conduit, session), (answer) => {
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
  async #askAboutSubscriptions(session: Session, conduit: Conduit): Promise<void> {
    for (const pattern of [...session.subscriptions]) {
      if (session.state === 'gone') return;
      const request: SubscribeRequest = {
        kind: 'subscribe',
        channel: '/meta/subscribe',
        subscription: pattern,
      };
      try {
        const answer = this.#core.judge.canSubscribe(pattern, request, session, conduit);
        if (!(isPromise(answer) ? await answer : answer)) this.#drop(session, pattern);
      } catch (error) {
        this.#failed(session, error, () => this.#drop(session, pattern));
      }
    }
  }

  #revoke(session: Session): void {
    if (session.state === 'gone') return;
    this.#core.log({ level: 'warn', event: 'session.revoked', session: session.id });
    session.disconnect('revoked');
  }

  #drop(session: Session, pattern: string): void {
    if (!session.subscriptions.has(pattern)) return;
    this.#core.log({ level: 'warn', event: 'subscription.revoked', session: session.id, pattern });
    this.#core.subscriptions.remove(session, pattern);
    session.replays?.drop(pattern);
  }

  // What a policy throws for clients is its refusal; otherwise it failed, which is logged already.
  #failed(session: Session, error: unknown, refuse: () => void): void {
    if (error instanceof BayeuxError && error.word !== 'server_error') {
      refuse();
      return;
    }
    if (this.#core.options.revalidateFailure === 'keep' || session.state === 'gone') return;
    this.#core.log({ level: 'warn', event: 'session.unverified', session: session.id });
    session.startOver('unverified');
  }
}

// No room for others is no reason to go.
function isAllowed(answer: HandshakeAnswer): boolean {
  return answer === 'busy' || answer === true || (typeof answer === 'object' && answer.allow);
}
