import { printable } from '../lib/printable.ts';

/** A message from a server, as it came. */
export interface Incoming {
  readonly [field: string]: unknown;
}

/** What a server advises after a connect. */
export interface Outcome {
  readonly reconnect: 'retry' | 'handshake' | 'none';
  /** Milliseconds to wait before that. */
  readonly interval: number;
}

/** A server that cannot be reached, does not speak Bayeux, or refuses. */
export class ClientError extends Error {
  override readonly name = 'ClientError';

  // Much of it is text of a server, which is not to rule the terminal.
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** What a person wrote that no server needs to see. */
export class ArgumentError extends ClientError {}

/** A small Bayeux client over long-polling, for the commands: no more than they need. */
export class PollingClient {
  readonly #url: string;
  readonly #onEvent: (event: Incoming) => void;
  readonly #cookies = new Map<string, string>();
  #clientId: string | undefined;
  #lastId = 0;

  constructor(url: string, onEvent: (event: Incoming) => void = () => {}) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new ArgumentError(`"${url}" is no http or https address`);
    this.#url = url;
    this.#onEvent = onEvent;
  }

  /** Opens a session. */
  async handshake(signal?: AbortSignal): Promise<void> {
    this.#clientId = undefined;
    const reply = await this.#request(
      { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] },
      signal,
    );
    if (typeof reply.clientId !== 'string') throw new ClientError('the server gave no clientId');
    this.#clientId = reply.clientId;
  }

  /** Publishes and waits until the server has accepted it. */
  async publish(channel: string, data: unknown): Promise<void> {
    await this.#request({ channel, data });
  }

  /** Subscribes to a channel or pattern. */
  async subscribe(subscription: string, signal?: AbortSignal): Promise<void> {
    await this.#request({ channel: '/meta/subscribe', subscription }, signal);
  }

  /** Waits for the next events, and says what to do then. */
  async connect(signal?: AbortSignal): Promise<Outcome> {
    return outcomeOf(
      await this.#exchange({ channel: '/meta/connect', connectionType: 'long-polling' }, signal),
    );
  }

  /** Ends the session. */
  async disconnect(signal?: AbortSignal): Promise<void> {
    await this.#exchange({ channel: '/meta/disconnect' }, signal);
  }

  async #request(message: Incoming, signal?: AbortSignal): Promise<Incoming> {
    const reply = await this.#exchange(message, signal);
    if (reply.successful !== true)
      throw new ClientError(`the server refused: ${reply.error ?? 'without a reason'}`);
    return reply;
  }

  async #exchange(message: Incoming, signal?: AbortSignal): Promise<Incoming> {
    const id = String(++this.#lastId);
    const clientId = this.#clientId && { clientId: this.#clientId };
    const batch = await this.#post([{ id, ...message, ...clientId }], signal);
    for (const incoming of batch) if ('data' in incoming) this.#onEvent(incoming);
    const reply = batch.find((incoming) => incoming.id === id && !('data' in incoming));
    if (reply === undefined) throw new ClientError('the server gave no reply');
    return reply;
  }

  async #post(batch: readonly Incoming[], signal?: AbortSignal): Promise<Incoming[]> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: this.#cookieHeader() },
      body: JSON.stringify(batch),
      ...(signal && { signal }),
    });
    const text = await response.text();
    if (response.status !== 200)
      throw new ClientError(`${this.#url} answered ${response.status} ${firstLine(text)}`.trim());
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    return batchOf(text, this.#url);
  }

  #keep(cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

function batchOf(text: string, url: string): Incoming[] {
  const batch = parsed(text);
  const isMessage = (value: unknown): value is Incoming => typeof value === 'object' && value !== null;
  if (Array.isArray(batch) && batch.every(isMessage)) return batch;
  throw new ClientError(`${url} does not speak Bayeux`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // What is no JSON is no batch either.
  }
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

const firstLine = (text: string) => text.split('\n', 1)[0]?.slice(0, 100) ?? '';

/** Whether a request failed before there was an answer: Node puts the reason into the cause. */
export function isUnreachable(error: unknown): error is Error & { readonly cause: Error } {
  return error instanceof TypeError && error.cause instanceof Error;
}

/** Says in words why a request failed. */
export function reasonOf(error: unknown): string {
  if (!isUnreachable(error)) return printable(error instanceof Error ? error.message : String(error));
  const { cause } = error;
  return printable(`cannot reach the server (${'code' in cause ? cause.code : cause.message})`);
}
