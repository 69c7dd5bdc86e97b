import { BayeuxError, errors } from '../protocol/errors.ts';
import type { Event, HandshakeRequest, ReadableRequest, Reply, Request } from '../protocol/message.ts';
import { OutgoingEvent } from '../protocol/outgoing.ts';
import type { HeardMessage } from './channels/listeners.ts';
import type { Conduit } from './conduit.ts';
import type { Extension, Said } from './extension.ts';
import type { Log } from './log.ts';
import { adopt, andThen, isPromise, type MaybePromise } from './maybe-promise.ts';
import type { Session } from './session.ts';

type Step<T> = (extension: Extension, value: T) => MaybePromise<T | undefined>;
type ByKind = Record<Request['kind'], readonly Extension[]>;

/** Runs the server's extensions, and those of one session, over what passes (PR-5). */
export class Pipeline {
  readonly #log: Log;
  readonly #opened: readonly Extension[];
  readonly #incoming: ByKind;
  readonly #publishing: readonly Extension[];
  readonly #outgoing: ByKind;
  readonly #delivering: readonly Extension[];
  readonly #hearing: readonly Extension[];
  readonly #saying: readonly Extension[];

  constructor(extensions: readonly Extension[], log: Log) {
    const having = (hook: keyof Extension) => extensions.filter((one) => one[hook] !== undefined);
    this.#log = log;
    this.#opened = having('opened');
    this.#incoming = byKind(having('incoming'));
    this.#publishing = having('publishing');
    this.#outgoing = byKind(having('outgoing').reverse());
    this.#delivering = having('delivering');
    this.#hearing = having('hearing');
    this.#saying = having('saying');
  }

  opened(session: Session, request: HandshakeRequest): void {
    for (const extension of this.#opened) {
      this.#guard(extension, undefined, () => extension.opened?.(session, request));
    }
  }

  /** Throws `BayeuxError` when an extension refuses the request, or deletes it. */
  incoming(
    request: ReadableRequest,
    session: Session | undefined,
    conduit: Conduit,
    alone: boolean,
  ): MaybePromise<ReadableRequest> {
    const extensions = withOwn(this.#incoming[request.kind], session, 'incoming', request.kind);
    if (extensions.length === 0) return request;
    return this.#run(extensions, request, (one, value) => one.incoming?.(value, session, conduit, alone));
  }

  /** Throws `BayeuxError` when an extension refuses the event, or deletes it. */
  publishing(event: Event, session: Session | undefined): MaybePromise<Event> {
    if (this.#publishing.length === 0) return event;
    return this.#run(this.#publishing, event, (one, value) => one.publishing?.(value, session));
  }

  /** The reply as it leaves. Throws `BayeuxError` when an extension refuses or deletes it. */
  outgoing(reply: Reply, session: Session | undefined, request: Request): MaybePromise<Reply> {
    const extensions = withOwn(this.#outgoing[request.kind], session, 'outgoing', request.kind);
    if (extensions.length === 0) return reply;
    return this.#run(extensions, reply, (one, value) => one.outgoing?.(value, session, request));
  }

  /** The event as one session gets it; undefined when an extension keeps it from it. */
  delivering(event: OutgoingEvent, session: Session): OutgoingEvent | undefined {
    const extensions = withOwn(this.#delivering, session, 'delivering');
    if (extensions.length === 0) return event;
    let message: Event | undefined = event.message;
    for (const extension of extensions) {
      const current: Event = message;
      message = this.#guard(extension, current, () => extension.delivering?.(current, session));
      if (message === undefined) return undefined;
    }
    return message === event.message ? event : new OutgoingEvent(message, event);
  }

  /** The message as the application hears it. Throws `BayeuxError` when an extension refuses it. */
  hearing(message: HeardMessage): HeardMessage {
    let heard = message;
    for (const extension of this.#hearing) {
      try {
        heard = extension.hearing?.(heard) ?? heard;
      } catch (error) {
        if (error instanceof BayeuxError) throw error;
        this.#log({ level: 'error', event: 'extension.failed', extension: extension.name, error });
      }
    }
    return heard;
  }

  /** What the application says, as JSON can carry it. */
  saying(said: Said): Said {
    let passed = said;
    for (const extension of this.#saying) {
      const current = passed;
      passed = this.#guard(extension, current, () => extension.saying?.(current) ?? current);
    }
    return passed;
  }

  #run<T>(extensions: readonly Extension[], value: T, step: Step<T>, at = 0): MaybePromise<T> {
    const extension = extensions[at];
    if (extension === undefined) return value;
    return andThen(this.#step(extension, value, step), (next) => {
      if (next === undefined) throw errors.messageDeleted();
      return this.#run(extensions, next, step, at + 1);
    });
  }

  #step<T>(extension: Extension, value: T, step: Step<T>): MaybePromise<T | undefined> {
    const goOn = (error: unknown): T => {
      if (error instanceof BayeuxError) throw error;
      this.#log({ level: 'error', event: 'extension.failed', extension: extension.name, error });
      return value;
    };
    try {
      const next = adopt(step(extension, value));
      return isPromise(next) ? next.catch(goOn) : next;
    } catch (error) {
      return goOn(error);
    }
  }

  #guard<T>(extension: Extension, otherwise: T, hook: () => T): T {
    try {
      return hook();
    } catch (error) {
      this.#log({ level: 'error', event: 'extension.failed', extension: extension.name, error });
      return otherwise;
    }
  }
}

function withOwn(
  extensions: readonly Extension[],
  session: Session | undefined,
  hook: keyof Extension,
  kind?: Request['kind'],
): readonly Extension[] {
  const own = session?.extensions;
  if (own === undefined || own.length === 0) return extensions;
  const having = own.filter((one) => one[hook] !== undefined && (kind === undefined || wants(one, kind)));
  if (having.length === 0) return extensions;
  return hook === 'outgoing' ? [...having.reverse(), ...extensions] : [...extensions, ...having];
}

function wants({ kinds }: Extension, kind: Request['kind']): boolean {
  return kinds === undefined || kinds.includes(kind);
}

function byKind(extensions: readonly Extension[]): ByKind {
  const of = (kind: Request['kind']) => extensions.filter((one) => wants(one, kind));
  return {
    handshake: of('handshake'),
    connect: of('connect'),
    subscribe: of('subscribe'),
    unsubscribe: of('unsubscribe'),
    disconnect: of('disconnect'),
    publish: of('publish'),
    invalid: of('invalid'),
  };
}
