import { BayeuxError } from '../protocol/errors.ts';
import type { JsonObject, MessageId } from '../protocol/message.ts';
import { OutgoingEvent } from '../protocol/outgoing.ts';
import { callOut } from '../lib/callback.ts';
import { copyOf } from '../lib/json.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { Pipeline } from './pipeline.ts';
import type { Session } from './session.ts';
import { ChannelIndex, type Stamped } from '../channels/channel-index.ts';

/** A message as the application hears it. */
export interface HeardMessage {
  readonly channel: string;
  readonly data: unknown;
  readonly ext?: JsonObject;
  /** The id of the request: what tells one remote call from another (SV-5). */
  readonly id?: MessageId;
  /** Who sent it; absent for a publish without a session. */
  readonly session?: Session;
}

/** Hears messages; what it returns is ignored. */
export type Listener = (message: HeardMessage) => unknown;

/** Answers remote calls: what it returns, or resolves to, is the result; `undefined` is none. */
export type Handler = (call: HeardMessage) => unknown;

interface Entry extends Stamped {
  hear(message: HeardMessage): void;
}

/** What the application hears of service channels and publications. */
export class Listeners {
  readonly #index = new ChannelIndex<Entry>();
  readonly #answered = new WeakSet<HeardMessage>();
  readonly #pipeline: Pipeline;
  readonly #log: Log;

  constructor(pipeline: Pipeline, log: Log) {
    this.#pipeline = pipeline;
    this.#log = log;
  }

  /** Adds a listener for a channel or pattern; what comes back removes it. */
  listen(pattern: string, listener: Listener): () => void {
    const failed = (error: unknown): void =>
      this.#log({ level: 'error', event: 'listener.failed', name: pattern, error });
    return this.#add(pattern, (message) => callOut(() => listener(message), failed));
  }

  /** Adds the handler of the remote calls to a service channel; what comes back removes it. */
  handle(pattern: string, handler: Handler): () => void {
    return this.#add(pattern, (call) => this.#answer(handler, call));
  }

  /** Whether anyone would hear a message on this channel. */
  heard(channel: string): boolean {
    return this.#index.size > 0 && this.#index.match(channel).length > 0;
  }

  /** Tells all who listen, and waits for none of them (SV-1). Throws `BayeuxError` when an extension refuses the message. */
  tell(message: HeardMessage): void {
    if (this.#index.size === 0) return;
    const heard = this.#pipeline.hearing(message);
    for (const entry of this.#index.match(heard.channel)) entry.hear(heard);
  }

  #add(pattern: string, hear: (message: HeardMessage) => void): () => void {
    const entry: Entry = { stamp: 0, hear };
    this.#index.add(pattern, entry);
    return () => void this.#index.remove(pattern, entry);
  }

  #answer(handler: Handler, call: HeardMessage): void {
    const failed = (error: unknown): void => {
      const isMeant = error instanceof BayeuxError;
      this.#log({ level: isMeant ? 'warn' : 'error', event: 'call.failed', channel: call.channel, error });
      // SV-7: what was not written for clients may name hosts, tables or files.
      this.#result(call, false, { message: isMeant ? error.message : 'the call failed' });
    };
    const done = (value: unknown): void => {
      if (value !== undefined) this.#result(call, true, value);
    };
    void recover((): MaybePromise<void> => {
      const value = adopt(handler(call));
      return isPromise(value) ? value.then(done) : done(value);
    }, failed);
  }

  // SV-6: the one message that has both `data` and `successful`; it travels through the queue like any event.
  #result(call: HeardMessage, successful: boolean, data: unknown): void {
    const { channel, id, session } = call;
    // SV-5: one result at most, though several handlers may hear the call.
    if (id === undefined || this.#answered.has(call)) return;
    const { ext, ...said } = this.#pipeline.saying({ data });
    const event = { id, channel, successful, data: copyOf(said.data), ...(ext !== undefined && { ext }) };
    this.#answered.add(call);
    session?.queue(new OutgoingEvent(event));
  }
}
