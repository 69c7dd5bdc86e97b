import { BayeuxError, errors } from '../protocol/errors.ts';
import { type HandshakeRequest, isObject, type ReadableRequest } from '../protocol/message.ts';
import type { Conduit } from '../ports/conduit.ts';
import { checkNames } from '../lib/known-names.ts';
import { inTime, type TimeLimit } from '../lib/in-time.ts';
import type { Log } from '../lib/log.ts';
import { adopt, andThen, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { UnconnectedPublish } from './callbacks.ts';
import type { HandshakeAnswer, Policy, PolicyRequest, SendRequest } from '../ports/policy.ts';
import type { Feature, Right, ServedSession } from '../ports/feature.ts';
import type { Session } from '../ports/session.ts';
import type { GivenUser, User } from '../ports/user.ts';
import { kindOf } from '../protocol/channel.ts';
import type { Reserved } from './reserved.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';

/** A request to the policy. Fields that cost something are made on first use. */
class LazyPolicyRequest implements PolicyRequest {
  readonly session: Session | undefined;
  readonly user: User | undefined;
  readonly channel: string;
  readonly #original: ReadableRequest;
  readonly #conduit: Conduit;
  #message: ReadableRequest | undefined;
  #abort: AbortController | undefined;

  constructor(
    session: Session | undefined,
    channel: string,
    message: ReadableRequest,
    conduit: Conduit,
    user = session?.user,
  ) {
    this.session = session;
    this.user = user;
    this.channel = channel;
    this.#original = message;
    this.#conduit = conduit;
    // A request to send has more fields.
    if (new.target === LazyPolicyRequest) Object.freeze(this);
  }

  // HS-16: without the clientId, which is secret.
  get message(): ReadableRequest {
    if (this.#original.clientId === undefined) return this.#original;
    if (this.#message === undefined) {
      const { clientId: _, ...message } = this.#original;
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

class LazySendRequest extends LazyPolicyRequest implements SendRequest {
  readonly to: string;
  readonly payload: unknown;

  constructor(session: Session, message: ReadableRequest, conduit: Conduit, to: string, payload: unknown) {
    super(session, message.channel, message, conduit);
    this.to = to;
    this.payload = payload;
    Object.freeze(this);
  }
}

/** A function of the application, with a check of its answers. */
interface PolicyFunction<T, Request extends LazyPolicyRequest = LazyPolicyRequest> {
  readonly name: string;
  ask(request: Request): unknown;
  /** Throws `UsageError` for an invalid answer. */
  read(answer: unknown): T;
}

const none: readonly Feature[] = [];

/**
 * Asks the features, then the policy, and accepts only valid answers: anything else is logged, and fails the message with
 * `500::server_error`. Messages from a trusted conduit, such as that of a local session, are allowed without
 * asking (IP-1).
 */
export class Judge {
  readonly #canHandshake: PolicyFunction<HandshakeAnswer> | undefined;
  readonly #canSubscribe: PolicyFunction<boolean> | undefined;
  readonly #canPublish: PolicyFunction<boolean> | undefined;
  readonly #canSend: PolicyFunction<boolean, LazySendRequest> | undefined;
  readonly #unconnected: PolicyFunction<boolean> | boolean;
  /** Whether features or the policy decide about publishes. */
  readonly judgesPublish: boolean;
  readonly #judging: readonly Feature[];
  readonly #reserved: Reserved | undefined;
  readonly #log: Log;
  readonly #timeLimit: TimeLimit;

  constructor(
    policy: Policy | undefined,
    unconnectedPublish: 'deny' | 'allow' | UnconnectedPublish,
    log: Log,
    timeLimit: TimeLimit,
    judging: readonly Feature[] = none,
    reserved?: Reserved,
  ) {
    if (policy !== undefined) checkPolicy(policy);
    this.#canHandshake = policyFunction('canHandshake', policy, handshakeAnswer);
    this.#canSubscribe = policyFunction('canSubscribe', policy, yesOrNo);
    this.#canPublish = policyFunction('canPublish', policy, yesOrNo);
    this.#canSend = policyFunction('canSend', policy, yesOrNo);
    this.#judging = judging;
    this.#reserved = reserved;
    this.judgesPublish = this.#canPublish !== undefined || judging.length > 0;
    this.#unconnected =
      typeof unconnectedPublish === 'function'
        ? { name: 'unconnectedPublish', ask: unconnectedPublish, read: yesOrNo }
        : unconnectedPublish === 'allow';
    this.#log = log;
    this.#timeLimit = timeLimit;
  }

  /** The user that sends a handshake, by the first feature that knows it. */
  identify(request: HandshakeRequest, conduit: Conduit, at = 0): MaybePromise<User | undefined> {
    const feature = conduit.trusted === true ? undefined : this.#judging[at];
    if (feature === undefined) return undefined;
    return andThen(
      feature.identifying?.(request, conduit),
      (user) => user ?? this.identify(request, conduit, at + 1),
    );
  }

  canHandshake(
    message: ReadableRequest,
    conduit: Conduit,
    session?: Session,
    user?: User,
  ): MaybePromise<HandshakeAnswer> {
    if (this.#canHandshake === undefined || conduit.trusted === true) return true;
    return this.#ask(
      this.#canHandshake,
      new LazyPolicyRequest(session, message.channel, message, conduit, user),
    );
  }

  /** Whether every feature permits it. */
  permits(
    right: Right,
    channel: string,
    session: ServedSession | undefined,
    message: ReadableRequest,
    conduit?: Conduit,
    at = 0,
  ): MaybePromise<boolean> {
    for (let next = at; next < this.#judging.length; next += 1) {
      const permitted = this.#judging[next]?.permitting?.(right, channel, session, message, conduit) ?? true;
      if (isPromise(permitted))
        return this.#permitsAfter(permitted, next, right, channel, session, message, conduit);
      if (!permitted) return false;
    }
    return true;
  }

  // Apart from the loop: a closure there would be allocated for each publish.
  async #permitsAfter(
    permitted: Promise<boolean>,
    at: number,
    ...[right, channel, session, message, conduit]: Parameters<NonNullable<Feature['permitting']>>
  ): Promise<boolean> {
    return (await permitted) && this.permits(right, channel, session, message, conduit, at + 1);
  }

  canSubscribe(
    pattern: string,
    message: ReadableRequest,
    session: ServedSession,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    if (conduit.trusted === true) return true;
    const channel = this.#reserved?.rightTo(pattern) ?? pattern;
    const right = kindOf(channel) === 'service' ? 'call' : 'subscribe';
    return andThen(this.permits(right, channel, session, message), (permitted) => {
      if (!permitted || this.#canSubscribe === undefined) return permitted;
      return this.#ask(this.#canSubscribe, new LazyPolicyRequest(session, channel, message, conduit));
    });
  }

  canPublish(
    message: ReadableRequest,
    session: ServedSession | undefined,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    if (conduit.trusted === true) return true;
    if (this.#judging.length === 0) return this.#policyAllows(message, session, conduit);
    const right = kindOf(message.channel) === 'service' ? 'call' : 'publish';
    const permitted = this.permits(right, message.channel, session, message, conduit);
    if (!isPromise(permitted)) return permitted && this.#policyAllows(message, session, conduit);
    return permitted.then((yes) => yes && this.#policyAllows(message, session, conduit));
  }

  #policyAllows(
    message: ReadableRequest,
    session: ServedSession | undefined,
    conduit: Conduit,
  ): MaybePromise<boolean> {
    if (this.#canPublish === undefined) return true;
    return this.#ask(this.#canPublish, new LazyPolicyRequest(session, message.channel, message, conduit));
  }

  /** Whether a message may go to this user (AD-4). An error is logged, and denies it. */
  canSend(
    message: ReadableRequest,
    session: Session,
    conduit: Conduit,
    to: string,
    payload: unknown,
  ): MaybePromise<boolean> {
    const decider = this.#canSend;
    if (decider === undefined || conduit.trusted === true) return true;
    const request = new LazySendRequest(session, message, conduit, to, payload);
    return recover(
      () => this.#ask(decider, request),
      () => false,
    );
  }

  /** Whether a publish without a session may go on to `canPublish` (PB-3). */
  canPublishUnconnected(message: ReadableRequest, conduit: Conduit): MaybePromise<boolean> {
    if (typeof this.#unconnected === 'boolean') return this.#unconnected;
    return this.#ask(this.#unconnected, new LazyPolicyRequest(undefined, message.channel, message, conduit));
  }

  #ask<T, Request extends LazyPolicyRequest>(
    decider: PolicyFunction<T, Request>,
    request: Request,
  ): MaybePromise<T> {
    try {
      const answer = adopt(decider.ask(request));
      return isPromise(answer) ? this.#wait(answer, decider, request) : decider.read(answer);
    } catch (error) {
      throw this.#failure(error, decider.name, request);
    }
  }

  // HS-17: an answer that comes too late is a failure of this server, not of the client.
  #wait<T>(
    answer: Promise<unknown>,
    decider: Pick<PolicyFunction<T>, 'name' | 'read'>,
    request: LazyPolicyRequest,
  ): Promise<T> {
    const { name } = decider;
    const late = (error: Error) => {
      request.abort();
      return error;
    };
    return inTime(answer, name, this.#timeLimit, late)
      .then((value) => decider.read(value))
      .catch((error: unknown) => {
        throw this.#failure(error, name, request);
      });
  }

  /** The error for the client: a `BayeuxError` as the policy threw it. Any other error is only logged. */
  #failure(error: unknown, name: string, { channel, session }: PolicyRequest): BayeuxError {
    if (error instanceof BayeuxError) return error;
    const who = session === undefined ? {} : { session: session.id };
    this.#log({ level: 'error', event: 'policy.failed', function: name, channel, ...who, error });
    return errors.serverError();
  }
}

const functions = ['canHandshake', 'canSubscribe', 'canPublish', 'canSend'] as const;

/** Throws `UsageError` for a policy with a wrong or missing function, which would allow everything. */
function checkPolicy(policy: Policy): void {
  checkNames(policy, { what: 'the policy', functions, others: [], meant: /^can[A-Z_]/ });
  if (functions.some((name) => policy[name] !== undefined)) return;
  throw new UsageError(`the policy has none of ${functions.join(', ')}: leave it out to allow everything`);
}

function policyFunction<T, Name extends keyof Policy>(
  name: Name,
  policy: Policy | undefined,
  read: (answer: unknown, name: string) => T,
): PolicyFunction<T, Name extends 'canSend' ? LazySendRequest : LazyPolicyRequest> | undefined {
  const ask: ((request: LazySendRequest) => unknown) | undefined = policy?.[name];
  if (ask === undefined) return undefined;
  return {
    name,
    ask: (request) => Reflect.apply(ask, policy, [request]),
    read: (answer) => read(answer, name),
  };
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
  const { user, attributes } = answer;
  if (attributes !== undefined && !isObject(attributes)) return false;
  return user === undefined || isGivenUser(user);
}

/** Whether the application may name a user so. */
export function isGivenUser(user: unknown): user is GivenUser {
  if (typeof user === 'string') return true;
  return isObject(user) && typeof user.id === 'string' && (user.info === undefined || isObject(user.info));
}
