import { BayeuxError } from '../protocol/errors.ts';
import type { PublishRequest } from '../protocol/message.ts';
import { OutgoingEvent } from '../ports/outgoing-event.ts';
import { callOut } from '../lib/callback.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { ReceivedMessage, Session } from '../ports/session.ts';
import type { Hooks } from './hooks.ts';
import { ChannelIndex, type Stamped } from '../channels/channel-index.ts';

/** Hears messages; what it returns is ignored. */
export type Listener<Data = unknown> = (message: ReceivedMessage<Data>) => unknown;

/** Answers remote calls: what it returns, or resolves to, is the result; `undefined` is none. */
export type Handler<Data = unknown> = (call: ReceivedMessage<Data>) => unknown;

/** A session that called, and is answered. */
interface Caller extends Session {
  queue(event: OutgoingEvent): void;
}

interface Entry extends Stamped {
  hear(message: ReceivedMessage, caller: Caller | undefined): void;
}

/** What the application hears of service channels and publications. */
export class Listeners {
  /** How many listeners and handlers there are. */
  size = 0;
  readonly #index = new ChannelIndex<Entry>();
  readonly #answered = new WeakSet<ReceivedMessage>();
  readonly #hooks: Hooks;
  readonly #log: Log;

  constructor(hooks: Hooks, log: Log) {
    this.#hooks = hooks;
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
    return this.#add(pattern, (call, caller) => this.#answer(handler, call, caller));
  }

  /** Tells all who listen, and waits for none of them (SV-1). Throws `BayeuxError` when an extension refuses the message. */
  tell({ channel, data, ext, id }: PublishRequest, session: Caller | undefined): void {
    if (this.#index.match(channel).length === 0) return;
    const heard = this.#hooks.toApplication({
      channel,
      data,
      ...(ext !== undefined && { ext }),
      ...(id !== undefined && { id }),
      ...(session !== undefined && { session }),
    });
    for (const entry of this.#index.match(heard.channel)) entry.hear(heard, session);
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
      const isMeant = error instanceof BayeuxError;
      this.#log({ level: isMeant ? 'warn' : 'error', event: 'call.failed', channel: call.channel, error });
      // SV-7: what was not written for clients may name hosts, tables or files.
      this.#result(call, caller, false, { message: isMeant ? error.message : 'the call failed' });
    };
    const done = (value: unknown): void => {
      if (value !== undefined) this.#result(call, caller, true, value);
    };
    void recover((): MaybePromise<void> => {
      const value = adopt(handler(call));
      return isPromise(value) ? value.then(done) : done(value);
    }, failed);
  }

  // SV-6: the one message that has both `data` and `successful`; it travels through the queue like any event.
  #result(call: ReceivedMessage, caller: Caller | undefined, successful: boolean, data: unknown): void {
    const { channel, id } = call;
    // SV-5: one result at most, though several handlers may hear the call.
    if (id === undefined || this.#answered.has(call)) return;
    const event = { id, channel, successful, ...this.#hooks.fromApplication({ data }) };
    this.#answered.add(call);
    caller?.queue(new OutgoingEvent(event));
  }
}
