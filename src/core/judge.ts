import { errors } from '../protocol/errors.ts';
import type { ReadableRequest } from '../protocol/message.ts';
import type { Clock } from './clock.ts';
import type { Conduit } from './conduit.ts';
import { adopt, isPromise, type MaybePromise } from './maybe-promise.ts';
import type { HandshakeAnswer, Policy, Question } from './policy.ts';
import type { Session } from './session.ts';

/** The question as it is put: what costs something is made when it is asked for. */
class AskedQuestion implements Question {
  readonly session: Session | undefined;
  readonly channel: string;
  readonly message: ReadableRequest;
  readonly #conduit: Conduit;
  #abort: AbortController | undefined;

  constructor(session: Session | undefined, channel: string, message: ReadableRequest, conduit: Conduit) {
    this.session = session;
    this.channel = channel;
    this.message = message;
    this.#conduit = conduit;
    Object.freeze(this);
  }

  get request() {
    return this.#conduit.request;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  abort(): void {
    this.#abort?.abort();
  }
}

type Ask = (question: Question) => MaybePromise<boolean>;

/** Puts questions to the policy. In-process sessions are not asked about (IP-1). */
export class Judge {
  readonly #policy: Policy;
  readonly #unconnected: Ask;
  readonly #clock: Clock;
  readonly #hookTimeout: number;

  constructor(policy: Policy, unconnectedPublish: 'deny' | 'allow' | Ask, clock: Clock, hookTimeout: number) {
    this.#policy = policy;
    this.#unconnected =
      typeof unconnectedPublish === 'function' ? unconnectedPublish : () => unconnectedPublish === 'allow';
    this.#clock = clock;
    this.#hookTimeout = hookTimeout;
  }

  canHandshake(message: ReadableRequest, conduit: Conduit, session?: Session): MaybePromise<HandshakeAnswer> {
    const { canHandshake } = this.#policy;
    if (canHandshake === undefined || conduit.transport === 'in-process') return true;
    const ask = (question: Question) => canHandshake.call(this.#policy, question);
    return this.#ask(ask, new AskedQuestion(session, message.channel, message, conduit));
  }

  canSubscribe(
    pattern: string,
    message: ReadableRequest,
    session: Session,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    const { canSubscribe } = this.#policy;
    if (canSubscribe === undefined || conduit.transport === 'in-process') return true;
    const ask: Ask = (question) => canSubscribe.call(this.#policy, question);
    return this.#ask(ask, new AskedQuestion(session, pattern, message, conduit));
  }

  canPublish(
    message: ReadableRequest,
    session: Session | undefined,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    const { canPublish } = this.#policy;
    if (canPublish === undefined || conduit.transport === 'in-process') return true;
    const ask: Ask = (question) => canPublish.call(this.#policy, question);
    return this.#ask(ask, new AskedQuestion(session, message.channel, message, conduit));
  }

  /** Whether a publish without a session may go on to `canPublish` (PB-3). */
  canPublishUnconnected(message: ReadableRequest, conduit: Conduit): MaybePromise<boolean> {
    return this.#ask(this.#unconnected, new AskedQuestion(undefined, message.channel, message, conduit));
  }

  #ask<T>(ask: (question: Question) => MaybePromise<T>, question: AskedQuestion): MaybePromise<T> {
    const answer = adopt(ask(question));
    return isPromise(answer) ? this.#inTime(answer, question) : answer;
  }

  // HS-17: an answer that does not come in time is a failure of this server, not of the client.
  #inTime<T>(answer: Promise<T>, question: AskedQuestion): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(this.#hookTimeout, () => {
        question.abort();
        reject(errors.serverError());
      });
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
