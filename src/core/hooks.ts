import { BayeuxError, errors } from '../protocol/errors.ts';
import type { Event, HandshakeRequest, ReadableRequest, Reply, Request } from '../protocol/message.ts';
import { OutgoingEvent } from '../ports/outgoing-event.ts';
import { callOut } from '../lib/callback.ts';
import { having } from '../lib/having.ts';
import type { Feature } from '../ports/feature.ts';
import type {
  Arrival,
  Extension,
  Hook,
  ReceivedMessage,
  SentMessage,
  Session,
  Work,
} from '../ports/session.ts';
import { checkNames } from '../lib/known-names.ts';
import { inTime, type TimeLimit } from '../lib/in-time.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import { shown } from '../lib/shown.ts';
import { copyOf } from '../lib/json.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { UsageError } from '../lib/usage-error.ts';

type ByKind = Record<Request['kind'], readonly Extension[]>;

/** Extensions by hook, so that a hook that no extension has costs nothing. */
export class HookLists {
  readonly extensions: readonly Extension[];
  readonly opened: readonly Extension[];
  /** For requests with `ext`; the list below is for requests without. */
  readonly incoming: ByKind;
  readonly incomingPlain: ByKind;
  readonly around: ByKind;
  readonly publishing: readonly Extension[];
  readonly outgoing: ByKind;
  readonly outgoingPlain: ByKind;
  readonly delivering: readonly Extension[];
  readonly toApplication: readonly Extension[];
  readonly fromApplication: readonly Extension[];

  constructor(extensions: readonly Extension[]) {
    this.extensions = extensions;
    this.opened = having(extensions, 'opened');
    const incoming = having(extensions, 'incoming');
    this.incoming = byKind(incoming);
    this.incomingPlain = byKind(incoming.filter(looksAtPlain));
    this.around = byKind(having(extensions, 'around'));
    this.publishing = having(extensions, 'publishing');
    const outgoing = having(extensions, 'outgoing').toReversed();
    this.outgoing = byKind(outgoing);
    this.outgoingPlain = byKind(outgoing.filter(looksAtPlain));
    this.delivering = having(extensions, 'delivering');
    this.toApplication = having(extensions, 'toApplication');
    this.fromApplication = having(extensions, 'fromApplication');
  }
}

/** A session with its hooks: of the extensions of the server, then of its own. */
export interface HookedSession extends Session {
  readonly hookLists: HookLists;
}

/** The way of one message through a hook that may answer later. */
interface Pass<T> {
  readonly hook: 'incoming' | 'publishing' | 'outgoing';
  readonly extensions: readonly Extension[];
  call(extension: Extension, value: T): MaybePromise<T | undefined>;
}

/** Runs extensions on messages (PR-5). Callers look at the lists first: there may be nothing to run. */
export class Hooks {
  /** The extensions of the server, for each session without extensions of its own. */
  readonly lists: HookLists;
  readonly #log: Log;
  readonly #timeLimit: TimeLimit;

  /** Features run first. Throws `UsageError` for a faulty extension. */
  constructor(
    features: readonly Feature[],
    extensions: readonly Extension[],
    log: Log,
    timeLimit: TimeLimit,
  ) {
    for (const extension of extensions) checkExtension(extension);
    this.lists = new HookLists([...features, ...extensions]);
    this.#log = log;
    this.#timeLimit = timeLimit;
  }

  opened(session: Session, request: HandshakeRequest): void {
    for (const extension of this.lists.opened) {
      callOut(
        () => extension.opened?.(session, request),
        (error) => this.#failed(extension, 'opened', error),
      );
    }
  }

  /** Does the work inside all of these extensions. Throws what the work throws. */
  around<T>(
    extensions: readonly Extension[],
    about: Work<HookedSession>,
    work: () => MaybePromise<T>,
  ): MaybePromise<T> {
    return extensions.reduceRight<() => MaybePromise<T>>(
      (next, extension) => () => this.#around(extension, about, next),
      work,
    )();
  }

  /** `extensions`: those that look at such requests. Throws `BayeuxError` when one of them refuses the request, or deletes it. */
  incoming(
    request: ReadableRequest,
    arrival: Arrival<HookedSession>,
    extensions: readonly Extension[],
  ): MaybePromise<ReadableRequest> {
    const call = (extension: Extension, value: ReadableRequest) => extension.incoming?.(value, arrival);
    return this.#run(request, { hook: 'incoming', extensions, call });
  }

  /** Throws `BayeuxError` when an extension refuses the event, or deletes it. */
  publishing(event: Event, session: Session | undefined): MaybePromise<Event> {
    const extensions = this.lists.publishing;
    const call = (extension: Extension, value: Event) => extension.publishing?.(value, session);
    return this.#run(event, { hook: 'publishing', extensions, call });
  }

  /** The reply to send. `extensions`: those that look at replies to such requests. Throws `BayeuxError` as `incoming` does. */
  outgoing(
    reply: Reply,
    session: HookedSession | undefined,
    request: Request,
    extensions: readonly Extension[],
  ): MaybePromise<Reply> {
    const call = (extension: Extension, value: Reply) => extension.outgoing?.(value, session, request);
    return this.#run(reply, { hook: 'outgoing', extensions, call });
  }

  /** The event as this session receives it; undefined when an extension drops it. */
  delivering(event: OutgoingEvent, session: HookedSession): OutgoingEvent | undefined {
    const original = event.message;
    let message: Event | undefined = original;
    for (const extension of session.hookLists.delivering) {
      message = this.#deliver(extension, message, session);
      if (message === undefined) return undefined;
    }
    return message === original ? event : new OutgoingEvent(message, event);
  }

  /** The message as the application receives it. Throws `BayeuxError` when an extension refuses it. */
  toApplication(message: ReceivedMessage): ReceivedMessage {
    let received = message;
    for (const extension of this.lists.toApplication) {
      try {
        const passed = extension.toApplication?.(received);
        if (this.#isLater(passed, extension, 'toApplication')) throw errors.serverError();
        received = passed ?? received;
      } catch (error) {
        if (error instanceof BayeuxError) throw error;
        this.#failed(extension, 'toApplication', error);
      }
    }
    return received;
  }

  /** A JSON copy of what the application sends. Throws `UsageError` for what JSON cannot carry. */
  fromApplication(message: SentMessage): SentMessage {
    let passed = message;
    for (const extension of this.lists.fromApplication) {
      try {
        const answer = extension.fromApplication?.(passed);
        if (!this.#isLater(answer, extension, 'fromApplication')) passed = answer ?? passed;
      } catch (error) {
        this.#failed(extension, 'fromApplication', error);
      }
    }
    const { data, ext } = passed;
    return { data: copyOf(data), ...(ext !== undefined && { ext: copyOf(ext) }) };
  }

  // The outcome is that of the work, whatever the extension does.
  #around<T>(extension: Extension, about: Work, work: () => MaybePromise<T>): MaybePromise<T> {
    const once = new Once(work);
    callOut(
      () => extension.around?.(about, () => once.outcome()),
      (error) => {
        if (error !== once.error) this.#failed(extension, 'around', error);
      },
    );
    if (!once.isDone)
      this.#failed(extension, 'around', new UsageError('around must call next before it returns'));
    return once.outcome();
  }

  // A promise comes too late to say what the session may receive: it does not get the event.
  #deliver(extension: Extension, event: Event, session: Session): Event | undefined {
    try {
      const passed = extension.delivering?.(event, session);
      return this.#isLater(passed, extension, 'delivering') ? undefined : passed;
    } catch (error) {
      this.#failed(extension, 'delivering', error);
      return event;
    }
  }

  #run<T>(value: T, pass: Pass<T>, first = 0): MaybePromise<T> {
    const { extensions, hook } = pass;
    let passed = value;
    for (let at = first; at < extensions.length; at += 1) {
      const extension = extensions[at] as Extension;
      const next = this.#step(extension, passed, pass);
      if (isPromise(next))
        return next.then((later) => this.#run(messageFrom(later, extension, hook), pass, at + 1));
      passed = messageFrom(next, extension, hook);
    }
    return passed;
  }

  #step<T>(extension: Extension, value: T, pass: Pass<T>): MaybePromise<T | undefined> {
    try {
      const next = adopt(pass.call(extension, value));
      return isPromise(next) ? this.#wait(next, extension, value, pass.hook) : next;
    } catch (error) {
      return this.#goOn(extension, value, pass.hook, error);
    }
  }

  #wait<T>(
    answer: Promise<T | undefined>,
    extension: Extension,
    value: T,
    hook: Hook,
  ): Promise<T | undefined> {
    const late = (error: Error) => {
      this.#failed(extension, hook, error);
      return errors.serverError();
    };
    return inTime(answer, hook, this.#timeLimit, late).catch((error: unknown) =>
      this.#goOn(extension, value, hook, error),
    );
  }

  // PR-8: after an error the message goes on unchanged, unless the error is meant for the client.
  #goOn<T>(extension: Extension, value: T, hook: Hook, error: unknown): T {
    if (error instanceof BayeuxError) throw error;
    this.#failed(extension, hook, error);
    return value;
  }

  // Whether a hook that has to answer at once returned a promise.
  #isLater(answer: unknown, extension: Extension, hook: Hook): boolean {
    const later = adopt(answer);
    if (!isPromise(later)) return false;
    this.#failed(extension, hook, new UsageError(`${hook} returned a promise: it must answer at once`));
    later.catch((error: unknown) => this.#failed(extension, hook, error));
    return true;
  }

  #failed({ name }: Extension, hook: Hook, error: unknown): void {
    this.#log({ level: 'error', event: 'extension.failed', extension: name, hook, error });
  }
}

/** Work that is done once, whoever asks for its outcome. */
class Once<T> {
  readonly #work: () => MaybePromise<T>;
  #outcome: (() => MaybePromise<T>) | undefined;
  /** The error that it threw, or rejected with. */
  error: unknown;

  constructor(work: () => MaybePromise<T>) {
    this.#work = work;
  }

  get isDone(): boolean {
    return this.#outcome !== undefined;
  }

  outcome(): MaybePromise<T> {
    this.#outcome ??= this.#do();
    return this.#outcome();
  }

  #do(): () => MaybePromise<T> {
    try {
      const value = this.#work();
      if (isPromise(value)) value.catch((error: unknown) => this.#note(error));
      return () => value;
    } catch (error) {
      this.#note(error);
      return () => {
        throw error;
      };
    }
  }

  #note(error: unknown): void {
    this.error = error;
  }
}

const hooks: Record<Hook, true> = {
  opened: true,
  around: true,
  incoming: true,
  publishing: true,
  outgoing: true,
  delivering: true,
  toApplication: true,
  fromApplication: true,
};
const kindNames: Record<Request['kind'], true> = {
  handshake: true,
  connect: true,
  subscribe: true,
  unsubscribe: true,
  disconnect: true,
  publish: true,
  invalid: true,
};

/** Throws `UsageError` for an extension with an unknown name in it or a value of the wrong type. */
export function checkExtension(extension: Extension): void {
  const name: unknown = extension?.name;
  const what = typeof name === 'string' && name !== '' ? `the extension "${name}"` : 'an extension';
  checkNames(extension, { what, functions: Object.keys(hooks), others: ['name', 'kinds', 'onlyWithExt'] });
  if (what === 'an extension') throw new UsageError(`an extension needs a name, got ${shown(name)}`);
  const { onlyWithExt }: { readonly onlyWithExt?: unknown } = extension;
  if (onlyWithExt !== undefined && typeof onlyWithExt !== 'boolean')
    throw new UsageError(`onlyWithExt of ${what} must be true or false, got ${shown(onlyWithExt)}`);
  const kinds: unknown = extension.kinds;
  if (kinds === undefined) return;
  if (!Array.isArray(kinds)) throw new UsageError(`kinds of ${what} must be a list, got ${shown(kinds)}`);
  for (const kind of kinds) {
    if (Object.hasOwn(kindNames, kind)) continue;
    throw new UsageError(
      `kinds of ${what} has ${shown(kind)}${didYouMean(String(kind), Object.keys(kindNames))}`,
    );
  }
}

/** What an extension returned, if it is a message. Throws `BayeuxError` if it deleted the message. */
function messageFrom<T>(next: T | undefined, extension: Extension, hook: Hook): T {
  if (next === undefined) throw errors.messageDeleted();
  if (typeof next !== 'object' || next === null) throw noMessage(extension, hook, next);
  return next;
}

function noMessage({ name }: Extension, hook: Hook, answer: unknown): UsageError {
  return new UsageError(
    `${hook} of the extension "${name}" returned ${shown(answer)}: it must return a message, or undefined to delete it`,
  );
}

function looksAtPlain({ onlyWithExt }: Extension): boolean {
  return onlyWithExt !== true;
}

const none: ByKind = {
  handshake: [],
  connect: [],
  subscribe: [],
  unsubscribe: [],
  disconnect: [],
  publish: [],
  invalid: [],
};

function byKind(extensions: readonly Extension[]): ByKind {
  if (extensions.length === 0) return none;
  const forKind = (kind: Request['kind']) =>
    extensions.filter(({ kinds }) => kinds === undefined || kinds.includes(kind));
  return {
    handshake: forKind('handshake'),
    connect: forKind('connect'),
    subscribe: forKind('subscribe'),
    unsubscribe: forKind('unsubscribe'),
    disconnect: forKind('disconnect'),
    publish: forKind('publish'),
    invalid: forKind('invalid'),
  };
}
