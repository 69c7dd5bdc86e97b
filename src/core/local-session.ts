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
import type { Session } from './session.ts';
import { UsageError } from '../lib/usage-error.ts';

/** An event of a channel, whose data has this type. */
export interface HeardEvent<Data = unknown> extends Event {
  readonly data: Data;
}

/**
 * Hears the events of one subscription. Each call gets its own copy (IP-2). When it returns a promise, the next event of the session
 * waits for that; meanwhile `maxQueue` and the `overflow` rules hold, as for any client that reads slowly.
 */
export type EventListener<Data = unknown> = (event: HeardEvent<Data>) => unknown;

const request: RequestInfo = Object.freeze({
  transport: 'in-process',
  address: '',
  headers: Object.freeze({}),
  cookies: Object.freeze({}),
  url: '',
});

/** How an in-process session is opened. */
export interface LocalSessionSettings {
  /** Whose session it is; stands above a user that the policy names. */
  readonly user?: string;
  /** Whether the policy is asked, as it is about a remote session. Without it everything is allowed. */
  readonly judged?: boolean;
  /** The `ext` of its handshake: a token, where the policy looks for one. */
  readonly ext?: JsonObject;
  /** What its `attributes` begin with: values that JSON can carry. */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** What a request is answered with by a conduit that ended instead. */
const endings: Readonly<Record<EndReason, string>> = {
  disconnected: '402::session_unknown',
  replaced: '402::session_unknown',
  overtaken: '402::session_unknown',
  capacity: '503::no_room',
  shutdown: '503::server_closed',
  failed: '500::server_error',
};

/** The way to a session in this very process. Replies arrive at once, and events unless a listener is still at work. */
class LocalConduit implements Conduit {
  readonly shape = 'socket';
  readonly transport = 'in-process';
  readonly trusted: boolean;
  readonly user: string | undefined;
  readonly request = request;
  readonly address = '';
  readonly http2 = false;
  readonly maxBytes = Number.POSITIVE_INFINITY;
  session: ConduitOwner | undefined;
  /** Why it ended, if it did. */
  ended: EndReason | undefined;
  /** One by one, once a listener has taken its time: what waits is in the session's queue then, where it is counted. */
  maxEvents: 1 | undefined;
  readonly #hear: (event: OutgoingEvent) => Promise<unknown> | undefined;
  readonly #answered: (reply: Outgoing) => void;
  #isBusy = false;

  constructor(
    { user, judged = false }: LocalSessionSettings,
    hear: (event: OutgoingEvent) => Promise<unknown> | undefined,
    answered: (reply: Outgoing) => void,
  ) {
    this.trusted = !judged;
    this.user = user;
    this.#hear = hear;
    this.#answered = answered;
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
      if (!(message instanceof OutgoingEvent)) this.#answered(message);
      else if (this.#isBusy) left.push(message);
      else this.#tell(message);
    }
    handover?.settled(left, left.length === 0);
  }

  #tell(event: OutgoingEvent): void {
    // What a listener publishes meanwhile may not overtake the rest of the batch.
    this.#isBusy = true;
    const hearing = this.#hear(event);
    this.#isBusy = hearing !== undefined;
    if (hearing === undefined) return;
    this.maxEvents = 1;
    void hearing.then(() => {
      this.#isBusy = false;
      this.session?.flush();
    });
  }

  end(reason: EndReason): void {
    this.ended = reason;
  }
}

interface Heard extends Stamped {
  readonly pattern: string;
  readonly listener: EventListener;
}

/** What such a session needs of its server. */
export interface LocalParts {
  /** Handles a batch. */
  receive(requests: readonly Request[], conduit: Conduit): MaybePromise<void>;
  session(id: string): Session | undefined;
  /** The `ext` of a subscribe that asks for what came after an event. */
  resuming(pattern: string, after: number): JsonObject;
  /** Whether the server is closing: what is published then is quietly nothing. */
  isClosing(): boolean;
  /** A listener failed, and nobody else will hear of it. */
  listenerFailed(name: string, error: unknown): void;
}

/** A client in the server's own process (IP-1): same pipeline, no transport, no expiry, and no policy unless it is `judged`. */
export class LocalSession<Channels extends object = Record<string, unknown>> {
  readonly #parts: LocalParts;
  readonly #ext: JsonObject | undefined;
  readonly #attributes: Readonly<Record<string, unknown>> | undefined;
  readonly #conduit: LocalConduit;
  readonly #listeners = new ChannelIndex<Heard>();
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Map<string, (reply: Reply) => void>();
  #lastId = 0;
  #session: Session | undefined;

  /** Throws `UsageError` for settings that are none. */
  constructor(parts: LocalParts, settings: LocalSessionSettings = {}) {
    checkSettings(settings);
    this.#parts = parts;
    // IP-2.
    this.#ext = settings.ext && copyOf(settings.ext, 'ext');
    this.#attributes = settings.attributes && copyOf(settings.attributes, 'attributes');
    this.#conduit = new LocalConduit(
      settings,
      (event) => this.#hear(event),
      (reply) => this.#answered(reply.message as Reply),
    );
  }

  /** The session as the server sees it. Throws `UsageError` before the handshake. */
  get session(): Session {
    if (this.#session === undefined)
      throw new UsageError('an in-process session handshakes before anything else');
    return this.#session;
  }

  /** Public id. */
  get id(): string {
    return this.session.id;
  }

  /**
   * Opens the session. Throws `BayeuxError` where the policy or an extension refuses it, and `503::no_room` when the server takes no
   * more.
   */
  async handshake(): Promise<this> {
    await this.#ask({
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
   * Subscribes to a name or pattern, and receives what was published after the event with this id: what is new with -1, all there
   * is with -2. What comes back unsubscribes. Throws `BayeuxError`.
   */
  async subscribe<Pattern extends string>(
    pattern: Pattern,
    listener: EventListener<DataOf<Channels, Pattern>>,
    after = -1,
  ): Promise<() => Promise<void>> {
    const usage = "write session.subscribe('/chat/*', ({ data }) => …)";
    if (typeof pattern !== 'string') throw noChannel(pattern, usage);
    checkFunction('the listener', listener, usage);
    const heard: Heard = { stamp: 0, pattern, listener: listener as EventListener };
    await this.#ask({
      kind: 'subscribe',
      channel: '/meta/subscribe',
      subscription: pattern,
      ...(after !== -1 && { ext: this.#parts.resuming(pattern, after) }),
    });
    this.#listeners.add(pattern, heard);
    this.#counts.set(pattern, (this.#counts.get(pattern) ?? 0) + 1);
    return () => this.#unsubscribe(pattern, heard);
  }

  /** Publishes data that JSON can carry; nothing while the server closes. Throws `BayeuxError`. */
  async publish<Channel extends string>(channel: Channel, data: DataOf<Channels, Channel>): Promise<void> {
    if (this.#parts.isClosing()) return;
    if (typeof channel !== 'string')
      throw noChannel(channel, "write session.publish('/chat/room', { text: 'hello' })");
    await this.#ask({ kind: 'publish', channel, hasData: true, data: copyOf(data) });
  }

  /** Ends the session. */
  async disconnect(): Promise<void> {
    if (this.#session === undefined || this.#session.state === 'gone') return;
    await this.#ask({ kind: 'disconnect', channel: '/meta/disconnect' });
  }

  async #unsubscribe(pattern: string, heard: Heard): Promise<void> {
    if (!this.#listeners.remove(pattern, heard)) return;
    const left = (this.#counts.get(pattern) ?? 1) - 1;
    this.#counts.set(pattern, left);
    if (left > 0) return;
    this.#counts.delete(pattern);
    await this.#ask({ kind: 'unsubscribe', channel: '/meta/unsubscribe', subscription: pattern });
  }

  async #ask(request: ReadableRequest): Promise<void> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const answered = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    const named = this.#session === undefined ? {} : { clientId: this.#session.clientId };
    await this.#parts.receive([{ ...request, id, ...named }], this.#conduit);
    const { ended } = this.#conduit;
    if (ended !== undefined) this.#waiting.get(id)?.({ successful: false, error: endings[ended] });
    const reply = await answered;
    if (!reply.successful) throw BayeuxError.from(reply.error ?? '500::server_error', reply.ext);
  }

  #answered(reply: Reply): void {
    const id = String(reply.id);
    this.#waiting.get(id)?.(reply);
    this.#waiting.delete(id);
  }

  /** Tells all who subscribed; a promise when one of them takes its time. It does not reject. */
  #hear({ channel, json }: OutgoingEvent): Promise<unknown> | undefined {
    let working: Promise<unknown>[] | undefined;
    for (const heard of this.#listeners.match(channel)) {
      // IP-2: a copy for each, so that none can change what another has.
      const done = this.#tell(heard, JSON.parse(json));
      if (done === undefined) continue;
      working ??= [];
      working.push(done);
    }
    return working && Promise.all(working);
  }

  #tell({ pattern, listener }: Heard, event: HeardEvent): Promise<unknown> | undefined {
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
  if (user !== undefined && typeof user !== 'string')
    throw new UsageError(`user of an in-process session must be a text, got ${shown(user)}`);
  if (judged !== undefined && typeof judged !== 'boolean')
    throw new UsageError(`judged of an in-process session must be true or false, got ${shown(judged)}`);
  for (const [name, value] of Object.entries({ ext, attributes })) {
    if (value !== undefined && !isObject(value))
      throw new UsageError(`${name} of an in-process session must be an object, got ${shown(value)}`);
  }
}
