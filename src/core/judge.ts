import { BayeuxError, errors } from '../protocol/errors.ts';
import { isObject, type ReadableRequest } from '../protocol/message.ts';
import type { Conduit } from '../ports/conduit.ts';
import { checkNames } from '../lib/known-names.ts';
import { inTime, type Patience } from '../lib/in-time.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { UnconnectedPublish } from './callbacks.ts';
import type { HandshakeAnswer, Policy, PolicyRequest } from '../ports/policy.ts';
import type { Session } from '../ports/session.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';

/** The question as it is put: what costs something is made when it is asked for. */
class AskedQuestion implements PolicyRequest {
  readonly session: Session | undefined;
  readonly channel: string;
  readonly #asked: ReadableRequest;
  readonly #conduit: Conduit;
  #message: ReadableRequest | undefined;
  #abort: AbortController | undefined;

  constructor(session: Session | undefined, channel: string, message: ReadableRequest, conduit: Conduit) {
    this.session = session;
    this.channel = channel;
    this.#asked = message;
    this.#conduit = conduit;
    Object.freeze(this);
  }

  // HS-16: the secret of the session stays here.
  get message(): ReadableRequest {
    if (this.#asked.clientId === undefined) return this.#asked;
    if (this.#message === undefined) {
      const { clientId: _, ...message } = this.#asked;
      this.#message = message;
    }
    return this.#message;
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

/** A function of the application that answers questions, and what of its answers can be used. */
interface Asked<T> {
  readonly name: string;
  ask(question: PolicyRequest): unknown;
  /** The answer; throws `UsageError` for one that is none. */
  read(answer: unknown): T;
}

/**
 * Puts questions to the policy, and takes only the answers it may give: anything else is logged, and fails the message with
 * `500::server_error`. What comes by a trusted conduit, such as that of a local session, is not asked about (IP-1).
 */
export class Judge {
  readonly #canHandshake: Asked<HandshakeAnswer> | undefined;
  readonly #canSubscribe: Asked<boolean> | undefined;
  readonly #canPublish: Asked<boolean> | undefined;
  readonly #unconnected: Asked<boolean> | boolean;
  /** Whether anybody is asked about a publish. */
  readonly judgesPublish: boolean;
  readonly #log: Log;
  readonly #patience: Patience;

  constructor(
    policy: Policy | undefined,
    unconnectedPublish: 'deny' | 'allow' | UnconnectedPublish,
    log: Log,
    patience: Patience,
  ) {
    if (policy !== undefined) checkPolicy(policy);
    this.#canHandshake = asked('canHandshake', policy, handshakeAnswer);
    this.#canSubscribe = asked('canSubscribe', policy, yesOrNo);
    this.#canPublish = asked('canPublish', policy, yesOrNo);
    this.judgesPublish = this.#canPublish !== undefined;
    this.#unconnected =
      typeof unconnectedPublish === 'function'
        ? { name: 'unconnectedPublish', ask: unconnectedPublish, read: yesOrNo }
        : unconnectedPublish === 'allow';
    this.#log = log;
    this.#patience = patience;
  }

  canHandshake(message: ReadableRequest, conduit: Conduit, session?: Session): MaybePromise<HandshakeAnswer> {
    if (this.#canHandshake === undefined || conduit.trusted === true) return true;
    return this.#ask(this.#canHandshake, new AskedQuestion(session, message.channel, message, conduit));
  }

  canSubscribe(
    pattern: string,
    message: ReadableRequest,
    session: Session,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    if (this.#canSubscribe === undefined || conduit.trusted === true) return true;
    return this.#ask(this.#canSubscribe, new AskedQuestion(session, pattern, message, conduit));
  }

  canPublish(
    message: ReadableRequest,
    session: Session | undefined,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    if (this.#canPublish === undefined || conduit.trusted === true) return true;
    return this.#ask(this.#canPublish, new AskedQuestion(session, message.channel, message, conduit));
  }

  /** Whether a publish without a session may go on to `canPublish` (PB-3). */
  canPublishUnconnected(message: ReadableRequest, conduit: Conduit): MaybePromise<boolean> {
    if (typeof this.#unconnected === 'boolean') return this.#unconnected;
    return this.#ask(this.#unconnected, new AskedQuestion(undefined, message.channel, message, conduit));
  }

  #ask<T>(asked: Asked<T>, question: AskedQuestion): MaybePromise<T> {
    try {
      const answer = adopt(asked.ask(question));
      return isPromise(answer) ? this.#wait(answer, asked, question) : asked.read(answer);
    } catch (error) {
      throw this.#failure(error, asked.name, question);
    }
  }

  // HS-17: an answer that does not come in time is a failure of this server, not of the client.
  #wait<T>(answer: Promise<unknown>, asked: Asked<T>, question: AskedQuestion): Promise<T> {
    const { name } = asked;
    const late = (error: Error) => {
      question.abort();
      return error;
    };
    return inTime(answer, name, this.#patience, late)
      .then((value) => asked.read(value))
      .catch((error: unknown) => {
        throw this.#failure(error, name, question);
      });
  }

  /** What the client is told: a policy refuses with a `BayeuxError`, anything else is for the log alone. */
  #failure(error: unknown, name: string, { channel, session }: PolicyRequest): BayeuxError {
    if (error instanceof BayeuxError) return error;
    const who = session === undefined ? {} : { session: session.id };
    this.#log({ level: 'error', event: 'policy.failed', function: name, channel, ...who, error });
    return errors.serverError();
  }
}

const functions = ['canHandshake', 'canSubscribe', 'canPublish'] as const;

/** Refuses a policy that would allow what it is meant to refuse. Throws `UsageError`. */
function checkPolicy(policy: Policy): void {
  checkNames(policy, { what: 'the policy', functions, others: [], meant: /^can[A-Z_]/ });
  if (functions.some((name) => policy[name] !== undefined)) return;
  throw new UsageError(`the policy has none of ${functions.join(', ')}: leave it out to allow everything`);
}

function asked<T>(
  name: keyof Policy,
  policy: Policy | undefined,
  read: (answer: unknown, name: string) => T,
): Asked<T> | undefined {
  const given = policy?.[name];
  if (given === undefined) return undefined;
  return { name, ask: (question) => given.call(policy, question), read: (answer) => read(answer, name) };
}

function yesOrNo(answer: unknown, name = 'unconnectedPublish'): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new UsageError(
    `${name} returned ${shown(answer)}: it must return true or false, or a promise of one`,
  );
}

function handshakeAnswer(answer: unknown): HandshakeAnswer {
  if (isHandshakeAnswer(answer)) return answer;
  throw new UsageError(
    `canHandshake returned ${shown(answer)}: it must return true, false, "busy", { allow: true, user: "…" } or { allow: false }, or a promise of one`,
  );
}

function isHandshakeAnswer(answer: unknown): answer is HandshakeAnswer {
  if (typeof answer === 'boolean' || answer === 'busy') return true;
  if (!isObject(answer) || typeof answer.allow !== 'boolean') return false;
  return answer.user === undefined || typeof answer.user === 'string';
}
