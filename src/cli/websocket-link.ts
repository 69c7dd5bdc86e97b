import WebSocket, { type Client } from 'faye-websocket';
import { ClientError, unreachable } from './client-error.ts';
import { batchOf, type Incoming, isReply, type Link, type LinkOptions, type Outgoing } from './link.ts';

/** An exchange under way. */
interface Exchange {
  readonly missing: Set<unknown>;
  readonly came: Incoming[];
  resolve(came: readonly Incoming[]): void;
  reject(error: unknown): void;
}

const hints: Readonly<Record<number, string>> = {
  404: 'is the path right? A POST to it is told where the server is mounted',
};

// The library gives an IP address as the name of the server, too, which Node deprecates, at once and by two lines on the terminal.
function quietly<T>(make: () => T): T {
  const { noDeprecation = false } = process;
  process.noDeprecation = true;
  try {
    return make();
  } finally {
    process.noDeprecation = noDeprecation;
  }
}

/** A WebSocket, opened when something is to be sent, and again when it was lost. */
export class WebSocketLink implements Link {
  readonly connectionType = 'websocket';
  readonly #url: string;
  readonly #options: LinkOptions;
  readonly #onEvent: (event: Incoming) => void;
  readonly #exchanges = new Set<Exchange>();
  #socket: Promise<Client> | undefined;

  constructor(url: string, options: LinkOptions, onEvent: (event: Incoming) => void) {
    this.#url = url;
    this.#options = options;
    this.#onEvent = onEvent;
  }

  async exchange(batch: readonly Outgoing[], signal?: AbortSignal): Promise<readonly Incoming[]> {
    signal?.throwIfAborted();
    this.#socket ??= this.#opened();
    const socket = await this.#socket;
    return new Promise((resolve, reject) => {
      const missing = new Set<unknown>(batch.map(({ id }) => id));
      const exchange: Exchange = { missing, came: [], resolve: ended(resolve), reject: ended(reject) };
      const interrupted = () => exchange.reject(signal?.reason);
      this.#exchanges.add(exchange);
      signal?.addEventListener('abort', interrupted);
      socket.send(JSON.stringify(batch));

      const exchanges = this.#exchanges;
      function ended<T>(settle: (value: T) => void): (value: T) => void {
        return (value) => {
          exchanges.delete(exchange);
          signal?.removeEventListener('abort', interrupted);
          settle(value);
        };
      }
    });
  }

  close(): void {
    this.#socket?.then(
      (socket) => socket.close(),
      () => undefined, // Whoever waited for it was told.
    );
    this.#socket = undefined;
  }

  #opened(): Promise<Client> {
    const { headers, ca, insecure } = this.#options;
    const tls = { rejectUnauthorized: !insecure, ...(ca && { ca }) };
    const socket = quietly(() => new WebSocket.Client(this.#url, [], { headers: { ...headers }, tls }));
    socket.onmessage = ({ data }) => this.#receive(String(data));
    return new Promise((resolve, reject) => {
      // Its own listener says no more than that it closed.
      socket._stream.prependOnceListener('error', (error) => reject(unreachable(this.#url, error)));
      socket.onopen = () => resolve(socket);
      socket.onclose = () => {
        const error = new ClientError(this.#closedWith(socket));
        reject(error);
        this.#socket = undefined;
        for (const exchange of [...this.#exchanges]) exchange.reject(error);
      };
    });
  }

  #closedWith({ statusCode }: Client): string {
    if (statusCode !== undefined && statusCode !== 0 && statusCode !== 101)
      return `${this.#url} answered ${statusCode} to the WebSocket handshake: ${hints[statusCode] ?? 'the log of the server says why'}`;
    if (statusCode === 101 || !this.#url.startsWith('ws:')) return 'the server closed the connection';
    return `the server hung up before the WebSocket handshake; if it speaks TLS there, write ${this.#url.replace('ws:', 'wss:')}`;
  }

  #receive(text: string): void {
    for (const message of batchOf(text, this.#url)) {
      const exchange = isReply(message) ? this.#exchangeOf(message.id) : undefined;
      if (exchange === undefined) this.#onEvent(message);
      else this.#settle(exchange, message);
    }
  }

  #exchangeOf(id: unknown): Exchange | undefined {
    return [...this.#exchanges].find(({ missing }) => missing.has(id));
  }

  #settle(exchange: Exchange, reply: Incoming): void {
    exchange.came.push(reply);
    exchange.missing.delete(reply.id);
    if (exchange.missing.size === 0) exchange.resolve(exchange.came);
  }
}
