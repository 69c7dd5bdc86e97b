import { ArgumentError, ClientError } from './client-error.ts';
import { HttpLink } from './http-link.ts';
import { type Incoming, isReply, type Link, type LinkOptions } from './link.ts';
import { NodePoster } from './node-poster.ts';
import type { Poster } from './poster.ts';
import { WebSocketLink } from './websocket-link.ts';

/** The server's advice after a connect. */
export interface Outcome {
  readonly reconnect: 'retry' | 'handshake' | 'none';
  /** Pause before that. Milliseconds. */
  readonly interval: number;
}

export interface ClientSettings extends LinkOptions {
  /** The `ext` of every request. */
  readonly ext?: Incoming | undefined;
  /** Acknowledges received events, so that the server sends lost ones again. */
  readonly ack?: boolean | undefined;
}

/** A small Bayeux client for the commands, over long-polling or a WebSocket. */
export class Client {
  readonly #link: Link;
  readonly #settings: ClientSettings;
  readonly #onEvent: (event: Incoming) => void;
  #clientId: string | undefined;
  #lastId = 0;
  /** Number of the last batch received. Undefined without acknowledgements. */
  #batch: number | undefined;

  /** Throws `ArgumentError` for an invalid URL. */
  constructor(
    url: string,
    settings: ClientSettings,
    onEvent: (event: Incoming) => void = () => {},
    HttpPoster: new (url: string, options: LinkOptions) => Poster = NodePoster,
  ) {
    if (!/^(https?|wss?):\/\//.test(url) || !URL.canParse(url))
      throw new ArgumentError(`"${url}" is no http, https, ws or wss address`);
    this.#link = url.startsWith('ws')
      ? new WebSocketLink(url, settings, onEvent)
      : new HttpLink(url, new HttpPoster(url, settings));
    this.#settings = settings;
    this.#onEvent = onEvent;
  }

  async handshake(signal?: AbortSignal): Promise<void> {
    this.#clientId = undefined;
    this.#batch = undefined;
    const { connectionType } = this.#link;
    const ack = this.#settings.ack ? { ext: { ack: true } } : {};
    const message = {
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: [connectionType],
      ...ack,
    };
    const reply = await this.request(message, signal);
    if (typeof reply.clientId !== 'string') throw new ClientError('the server gave no clientId');
    this.#clientId = reply.clientId;
    if (!this.#settings.ack) return;
    if (extOf(reply).ack !== true)
      throw new ClientError('the server does not support acknowledgements: leave out --ack');
    this.#batch = 0;
  }

  /** Subscribes to a channel or pattern. `from`: start after the event with this replay id. */
  async subscribe(subscription: string, from: number | undefined, signal?: AbortSignal): Promise<void> {
    const replay = from === undefined ? {} : { ext: { replay: { [subscription]: from } } };
    await this.request({ channel: '/meta/subscribe', subscription, ...replay }, signal);
  }

  /** Sends a connect, which the server holds until there are events. Returns its advice. */
  async connect(signal?: AbortSignal): Promise<Outcome> {
    const ack = this.#batch === undefined ? {} : { ext: { ack: this.#batch } };
    const message = { channel: '/meta/connect', connectionType: this.#link.connectionType, ...ack };
    const [reply = {}] = await this.exchange([message], signal);
    const { ack: batch } = extOf(reply);
    if (typeof batch === 'number' && this.#batch !== undefined) this.#batch = batch;
    return outcomeOf(reply);
  }

  async disconnect(signal?: AbortSignal): Promise<void> {
    try {
      if (this.#clientId !== undefined) await this.exchange([{ channel: '/meta/disconnect' }], signal);
    } finally {
      this.#link.close();
    }
  }

  /** Sends one request. Throws `ClientError` when the server refuses. */
  async request(message: Incoming, signal?: AbortSignal): Promise<Incoming> {
    const [reply = {}] = await this.exchange([message], signal);
    if (reply.successful !== true) throw new ClientError(refusalOf(reply));
    return reply;
  }

  /** Sends requests in one batch. Returns their replies in the same order. */
  async exchange(requests: readonly Incoming[], signal?: AbortSignal): Promise<Incoming[]> {
    const batch = requests.map((request) => ({ ...this.#withIdentity(request), id: String(++this.#lastId) }));
    const replies = new Map<unknown, Incoming>();
    for (const incoming of await this.#link.exchange(batch, signal)) {
      if (isReply(incoming)) replies.set(incoming.id, incoming);
      else this.#onEvent(incoming);
    }
    return batch.map(({ id }) => {
      const reply = replies.get(id);
      if (reply === undefined) throw new ClientError('the server gave no reply');
      return reply;
    });
  }

  #withIdentity(request: Incoming): Incoming {
    const ext = { ...this.#settings.ext, ...extOf(request) };
    return {
      ...request,
      ...(Object.keys(ext).length > 0 && { ext }),
      ...(this.#clientId !== undefined && { clientId: this.#clientId }),
    };
  }
}

/** Error text for a refused request. */
export function refusalOf(reply: Incoming): string {
  return `the server refused: ${reply.error ?? 'without a reason'}`;
}

/** A copy of the `ext` of a message; empty if it has none. */
export function extOf({ ext }: Incoming): Incoming {
  return typeof ext === 'object' && ext !== null ? { ...ext } : {};
}

function outcomeOf(reply: Incoming): Outcome {
  const advice = typeof reply.advice === 'object' && reply.advice !== null ? reply.advice : {};
  const reconnect: unknown = Reflect.get(advice, 'reconnect');
  const interval: unknown = Reflect.get(advice, 'interval');
  const fallback = reply.successful === true ? 'retry' : 'handshake';
  return {
    reconnect:
      reconnect === 'retry' || reconnect === 'handshake' || reconnect === 'none' ? reconnect : fallback,
    interval: typeof interval === 'number' ? interval : 0,
  };
}
