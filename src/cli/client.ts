import { ArgumentError, ClientError } from './client-error.ts';
import { HttpLink } from './http-link.ts';
import { type Incoming, isReply, type Link, type LinkOptions } from './link.ts';
import { NodePoster } from './node-poster.ts';
import type { Poster } from './poster.ts';
import { WebSocketLink } from './websocket-link.ts';

/** What a server advises after a connect. */
export interface Outcome {
  readonly reconnect: 'retry' | 'handshake' | 'none';
  /** Milliseconds to wait before that. */
  readonly interval: number;
}

/** How the client speaks, and what it says with every request. */
export interface ClientSettings extends LinkOptions {
  readonly ext?: Incoming | undefined;
  /** Whether what was received is acknowledged, so that it is sent again where it was lost. */
  readonly ack?: boolean | undefined;
}

/** A small Bayeux client for the commands, over long-polling or a WebSocket: no more than they need. */
export class Client {
  readonly #link: Link;
  readonly #settings: ClientSettings;
  readonly #onEvent: (event: Incoming) => void;
  #clientId: string | undefined;
  #lastId = 0;
  /** The number of the last batch that came, while the server takes acknowledgements. */
  #batch: number | undefined;

  /** Throws `ArgumentError` when the address is none. */
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

  /** Opens a session. */
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
      throw new ClientError('the server takes no acknowledgements: leave out --ack');
    this.#batch = 0;
  }

  /** Subscribes to a channel or pattern, from a replay id where one is given. */
  async subscribe(subscription: string, from: number | undefined, signal?: AbortSignal): Promise<void> {
    const replay = from === undefined ? {} : { ext: { replay: { [subscription]: from } } };
    await this.request({ channel: '/meta/subscribe', subscription, ...replay }, signal);
  }

  /** Waits for the next events, and says what to do then. */
  async connect(signal?: AbortSignal): Promise<Outcome> {
    const ack = this.#batch === undefined ? {} : { ext: { ack: this.#batch } };
    const message = { channel: '/meta/connect', connectionType: this.#link.connectionType, ...ack };
    const [reply = {}] = await this.exchange([message], signal);
    const { ack: batch } = extOf(reply);
    if (typeof batch === 'number' && this.#batch !== undefined) this.#batch = batch;
    return outcomeOf(reply);
  }

  /** Ends the session. */
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

  /** Sends requests in one batch, and gives their replies in the same order. */
  async exchange(requests: readonly Incoming[], signal?: AbortSignal): Promise<Incoming[]> {
    const batch = requests.map((request) => ({ ...this.#dressed(request), id: String(++this.#lastId) }));
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

  #dressed(request: Incoming): Incoming {
    const ext = { ...this.#settings.ext, ...extOf(request) };
    return {
      ...request,
      ...(Object.keys(ext).length > 0 && { ext }),
      ...(this.#clientId !== undefined && { clientId: this.#clientId }),
    };
  }
}

/** Says in words why a request was refused. */
export function refusalOf(reply: Incoming): string {
  return `the server refused: ${reply.error ?? 'without a reason'}`;
}

/** The `ext` of a message, where there is one. */
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
