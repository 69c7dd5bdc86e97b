import { BayeuxError } from '../protocol/errors.ts';
import {
  type Event,
  isObject,
  type JsonObject,
  type ReadableRequest,
  type Reply,
  type Request,
} from '../protocol/message.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import { OutgoingEvent } from '../ports/outgoing-event.ts';
import { adopt, isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import { checkFunction, noChannel } from './arguments.ts';
import { ChannelIndex, type Stamped } from '../channels/channel-index.ts';
import type { DataOf } from '../channels/channel-types.ts';
import type { Conduit, ConduitOwner, EndReason, Handover, RequestInfo } from '../ports/conduit.ts';
import { copyOf } from '../lib/json.ts';
import { checkNames } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import type { GivenUser } from '../ports/user.ts';
import { isGivenUser } from './judge.ts';
import type { Session } from './session.ts';
import { UsageError } from '../lib/usage-error.ts';

/** An event whose data has the type of its channel. */
export interface HeardEvent<Data = unknown> extends Event {
  readonly data: Data;
}

/**
 * Called with each event of one subscription, with a copy of its own (IP-2). If it returns a promise, the
 * session's next event waits until that settles. Meanwhile `maxQueue` and the `overflow` rules apply, as for
 * any client that reads slowly.
 */
export type EventListener<Data = unknown> = (event: HeardEvent<Data>) => unknown;

const request: RequestInfo = Object.freeze({
  transport: 'in-process',
  address: '',
  headers: Object.freeze({}),
  cookies: Object.freeze({}),
  url: '',
});

export interface LocalSessionSettings {
  /** The user of the session. Takes precedence over a user that the policy gives. */
  readonly user?: GivenUser;
  /** Whether the policy is asked, as for a remote session. If not, everything is allowed. */
  readonly judged?: boolean;
  /** The `ext` of its handshake, such as a token for the policy. */
  readonly ext?: JsonObject;
  /** Initial `attributes` of the session: JSON values. */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** The error of a request whose conduit ended before the reply. */
const endings: Readonly<Record<EndReason, string>> = {
  disconnected: '402::session_unknown',
  replaced: '402::session_unknown',
  overtaken: '402::session_unknown',
  capacity: '503::no_room',
  shutdown: '503::server_closed',
  failed: '500::server_error',
};

/** The conduit of a session in this process. Replies arrive at once; events too, unless a listener is still at work. */
class LocalConduit implements Conduit {
  readonly shape = 'socket';
  readonly transport = 'in-process';
  readonly trusted: boolean;
  readonly user: GivenUser | undefined;
  readonly request = request;
  readonly address = '';
  readonly http2 = false;
  readonly maxBytes = Number.POSITIVE_INFINITY;
  session: ConduitOwner | undefined;
  ended: EndReason | undefined;
  /** 1 once a listener has returned a promise: other events then wait in the session's queue, where they are counted. */
  maxEvents: 1 | undefined;
  readonly #onEvent: (event: OutgoingEvent) => Promise<unknown> | undefined;
  readonly #onReply: (reply: Outgoing) => void;
  #isBusy = false;

  constructor(
    { user, judged = false }: LocalSessionSettings,
    onEvent: (event: OutgoingEvent) => Promise<unknown> | undefined,
    onReply: (reply: Outgoing) => void,
  ) {
    this.trusted = !judged;
    this.user = user;
    this.#onEvent = onEvent;
    this.#onReply = onReply;
  }

  get alive(): boolean {
    return this.ended === undefined;
  }

  get ready(): boolean {
    return this.alive && !this.#isBusy;
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    const left: OutgoingEvent[] = [];
    for (const message of batch) {
      if (!(message instanceof OutgoingEvent)) this.#onReply(message);
      else if (this.#isBusy) left.push(message);
      else this.#deliver(message);
    }
    handover?.settled(left, left.length === 0);
  }

  #deliver(event: OutgoingEvent): void {
    // Busy while listeners run: an event that a listener publishes must not overtake the rest of the batch.
    this.#isBusy = true;
    const done = this.#onEvent(event);
    this.#isBusy = done !== undefined;
    if (done === undefined) return;
    this.maxEvents = 1;
    void done.then(() => {
      this.#isBusy = false;
      this.session?.flush();
    });
  }

  end(reason: EndReason): void {
    this.ended = reason;
  }
}

interface Registration extends Stamped {
  readonly pattern: string;
  readonly listener: EventListener;
}

/** The parts of the server that an in-process session uses. */
export interface LocalParts {
  receive(requests: readonly Request[], conduit: Conduit): MaybePromise<void>;
  session(id: string): Session | undefined;
  /** The `ext` of a subscribe that asks for the events after this id. */
  resuming(pattern: string, after: number): JsonObject;
  /** Whether the server is closing. A publish then does nothing, without an error. */
  isClosing(): boolean;
  /** Reports a listener that threw or rejected: its error reaches no caller. */
  listenerFailed(name: string, error: unknown): void;
}

/**
 * A client in the server's own process (IP-1). The server handles its requests like those of a remote client.
 * It uses no transport and never expires, and the policy is asked only if it is `judged`.
 */
export class LocalSession<Channels extends object = Record<string, unknown>> {
  readonly #parts: LocalParts;
  readonly #ext: JsonObject | undefined;
  readonly #attributes: Readonly<Record<string, unknown>> | undefined;
  readonly #conduit: LocalConduit;
  readonly #listeners = new ChannelIndex<Registration>();
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Map<string, (reply: Reply) => void>();
  #lastId = 0;
  #session: Session | undefined;

  /** Throws `UsageError` for invalid settings. */
  constructor(parts: LocalParts, settings: LocalSessionSettings = {}) {
    checkSettings(settings);
    this.#parts = parts;
    // IP-2.
    this.#ext = settings.ext && copyOf(settings.ext, 'ext');
    this.#attributes = settings.attributes && copyOf(settings.attributes, 'attributes');
    this.#conduit = new LocalConduit(
      settings,
      (event) => this.#onEvent(event),
      (reply) => this.#onReply(reply.message as Reply),
    );
  }

  /** The session on the side of the server. Throws `UsageError` before the handshake. */
  get session(): Session {
    if (this.#session === undefined)
      throw new UsageError('an in-process session handshakes before anything else');
    return this.#session;
  }

  get id(): string {
    return this.session.id;
  }

  /** Opens the session. Throws `BayeuxError`: a refusal by policy or extension, or `503::no_room` if the server is full. */
  async handshake(): Promise<this> {
    await this.#request({
      kind: 'handshake',
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: [],
      ...(this.#ext !== undefined && { ext: this.#ext }),
    });
    const { session } = this.#conduit;
    this.#session = session && this.#parts.session(session.id);
    if (this.#session !== undefined) Object.assign(this.#session.attributes, this.#attributes);
    return this;
  }

  /**
   * Subscribes to a channel name or pattern. `after`: the id of the last event that the listener has; -1 asks
   * for new events only, -2 for all stored events too. Resolves to a function that unsubscribes. Throws
   * `BayeuxError`.
   */
  async subscribe<Pattern extends string>(
    pattern: Pattern,
    listener: EventListener<DataOf<Channels, Pattern>>,
    after = -1,
  ): Promise<() => Promise<void>> {
    const usage = "write session.subscribe('/chat/*', ({ data }) => …)";
    if (typeof pattern !== 'string') throw noChannel(pattern, usage);
    checkFunction('the listener', listener, usage);
    const registration: Registration = { stamp: 0, pattern, listener: listener as EventListener };
    await this.#request({
      kind: 'subscribe',
      channel: '/meta/subscribe',
      subscription: pattern,
      ...(after !== -1 && { ext: this.#parts.resuming(pattern, after) }),
    });
    this.#listeners.add(pattern, registration);
    this.#counts.set(pattern, (this.#counts.get(pattern) ?? 0) + 1);
    return () => this.#unsubscribe(pattern, registration);
  }

  /** Publishes JSON data. Does nothing while the server closes. Throws `BayeuxError`. */
  async publish<Channel extends string>(channel: Channel, data: DataOf<Channels, Channel>): Promise<void> {
    if (this.#parts.isClosing()) return;
    if (typeof channel !== 'string')
      throw noChannel(channel, "write session.publish('/chat/room', { text: 'hello' })");
    await this.#request({ kind: 'publish', channel, hasData: true, data: copyOf(data) });
  }

  async disconnect(): Promise<void> {
    if (this.#session === undefined || this.#session.state === 'gone') return;
    await this.#request({ kind: 'disconnect', channel: '/meta/disconnect' });
  }

  async #unsubscribe(pattern: string, registration: Registration): Promise<void> {
    if (!this.#listeners.remove(pattern, registration)) return;
    const left = (this.#counts.get(pattern) ?? 1) - 1;
    this.#counts.set(pattern, left);
    if (left > 0) return;
    this.#counts.delete(pattern);
    await this.#request({ kind: 'unsubscribe', channel: '/meta/unsubscribe', subscription: pattern });
  }

  async #request(request: ReadableRequest): Promise<void> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    const client = this.#session === undefined ? {} : { clientId: this.#session.clientId };
    await this.#parts.receive([{ ...request, id, ...client }], this.#conduit);
    const { ended } = this.#conduit;
    if (ended !== undefined) this.#waiting.get(id)?.({ successful: false, error: endings[ended] });
    const reply = await replied;
    if (!reply.successful) throw BayeuxError.from(reply.error ?? '500::server_error', reply.ext);
  }

  #onReply(reply: Reply): void {
    const id = String(reply.id);
    this.#waiting.get(id)?.(reply);
    this.#waiting.delete(id);
  }

  /** Calls the listeners of the channel. The promise, if one of them returned one, does not reject. */
  #onEvent({ channel, json }: OutgoingEvent): Promise<unknown> | undefined {
    let working: Promise<unknown>[] | undefined;
    for (const registration of this.#listeners.match(channel)) {
      // IP-2: a copy for each listener, so that none can change another's event.
      const done = this.#call(registration, JSON.parse(json));
      if (done === undefined) continue;
      working ??= [];
      working.push(done);
    }
    return working && Promise.all(working);
  }

  #call({ pattern, listener }: Registration, event: HeardEvent): Promise<unknown> | undefined {
    const failed = (error: unknown): void => this.#parts.listenerFailed(pattern, error);
    try {
      const answer = adopt(listener(event));
      return isPromise(answer) ? answer.catch(failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }
}

function checkSettings(settings: LocalSessionSettings): void {
  checkNames(settings, {
    what: 'an in-process session',
    functions: [],
    others: ['user', 'judged', 'ext', 'attributes'],
  });
  const { user, judged, ext, attributes } = settings;
  if (user !== undefined && !isGivenUser(user))
    throw new UsageError(
      `user of an in-process session must be an id or { id, info }, got ${shown(user)}: write server.localSession({ user: 'ann' })`,
    );
  if (judged !== undefined && typeof judged !== 'boolean')
    throw new UsageError(`judged of an in-process session must be true or false, got ${shown(judged)}`);
  for (const [name, value] of Object.entries({ ext, attributes })) {
    if (value !== undefined && !isObject(value))
      throw new UsageError(`${name} of an in-process session must be an object, got ${shown(value)}`);
  }
}
