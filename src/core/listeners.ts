import { BayeuxError } from '../protocol/errors.ts';
import type { PublishRequest } from '../protocol/message.ts';
import { OutgoingEvent } from '../ports/outgoing-event.ts';
import { callOut } from '../lib/callback.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { ReceivedMessage, Session } from '../ports/session.ts';
import type { Hooks } from './hooks.ts';
import { ChannelIndex, type Stamped } from '../channels/channel-index.ts';

/** Receives messages. Its return value is ignored. */
export type Listener<Data = unknown> = (message: ReceivedMessage<Data>) => unknown;

/** Answers remote calls. Its result is what it returns or resolves to; `undefined` sends no result. */
export type Handler<Data = unknown> = (call: ReceivedMessage<Data>) => unknown;

/** The session that made a remote call. */
interface Caller extends Session {
  queue(event: OutgoingEvent): void;
}

interface Entry extends Stamped {
  hear(message: ReceivedMessage, caller: Caller | undefined): void;
}

/** The listeners and call handlers of the application, by channel. */
export class Listeners {
  /** Number of listeners and handlers. */
  size = 0;
  readonly #index = new ChannelIndex<Entry>();
  readonly #answered = new WeakSet<ReceivedMessage>();
  readonly #hooks: Hooks;
  readonly #log: Log;

  constructor(hooks: Hooks, log: Log) {
    this.#hooks = hooks;
    this.#log = log;
  }

  /** Adds a listener for a channel or pattern. The returned function removes it. */
  listen(pattern: string, listener: Listener): () => void {
    const failed = (error: unknown): void =>
      this.#log({ level: 'error', event: 'listener.failed', name: pattern, error });
    return this.#add(pattern, (message) => callOut(() => listener(message), failed));
  }

  /** Adds a handler of the remote calls to a service channel. The returned function removes it. */
  handle(pattern: string, handler: Handler): () => void {
    return this.#add(pattern, (call, caller) => this.#answer(handler, call, caller));
  }

  /** Calls all listeners and waits for none of them (SV-1). Throws `BayeuxError` when an extension refuses the message. */
  tell({ channel, data, ext, id }: PublishRequest, session: Caller | undefined): void {
    if (this.#index.match(channel).length === 0) return;
    const message = this.#hooks.toApplication({
      channel,
      data,
      ...(ext !== undefined && { ext }),
      ...(id !== undefined && { id }),
      ...(session !== undefined && { session }),
    });
    for (const entry of this.#index.match(message.channel)) entry.hear(message, session);
  }

  #add(pattern: string, hear: Entry['hear']): () => void {
    const entry: Entry = { stamp: 0, hear };
    this.#index.add(pattern, entry);
    this.size += 1;
    return () => {
      if (this.#index.remove(pattern, entry)) this.size -= 1;
    };
  }

  #answer(handler: Handler, call: ReceivedMessage, caller: Caller | undefined): void {
    const failed = (error: unknown): void => {
      const isPublic = error instanceof BayeuxError;
      this.#log({ level: isPublic ? 'warn' : 'error', event: 'call.failed', channel: call.channel, error });
      // SV-7: the text of any other error may name hosts, tables or files.
      this.#result(call, caller, false, { message: isPublic ? error.message : 'the call failed' });
    };
    const done = (value: unknown): void => {
      if (value !== undefined) this.#result(call, caller, true, value);
    };
    void recover((): MaybePromise<void> => {
      const value = adopt(handler(call));
      return isPromise(value) ? value.then(done) : done(value);
    }, failed);
  }

  // SV-6: a result is the only message with both `data` and `successful`. It travels through the queue like an event.
  #result(call: ReceivedMessage, caller: Caller | undefined, successful: boolean, data: unknown): void {
    const { channel, id } = call;
    // SV-5: one result at most, even if several handlers receive the call.
    if (id === undefined || this.#answered.has(call)) return;
    const event = { id, channel, successful, ...this.#hooks.fromApplication({ data }) };
    this.#answered.add(call);
    caller?.queue(new OutgoingEvent(event));
  }
}
