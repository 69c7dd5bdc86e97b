import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { Arrivals } from './arrivals.ts';
import type { Transport } from './check.ts';
import type { EventStream } from './event-stream.ts';
import type { HttpExchange, HttpResponse } from './http.ts';
import { type Fields, isEvent, type Message, readBatch } from './message.ts';
import type { Target } from './target.ts';
import type { WebSocket } from './web-socket.ts';

/** A batch on its way, and what comes of it. */
export interface Sent {
  /** The whole response when polling; on a socket the replies alone. */
  readonly messages: Promise<readonly Message[]>;
  readonly response: Promise<HttpResponse> | undefined;
  answered(): boolean;
  /** Cuts the connection that carries it. */
  abort(): void;
}

/** One client's way to the server: everything it says is in `log`, the events among it in `inbox`. */
export abstract class Link {
  readonly log = new Arrivals<Message>();
  readonly inbox = new Arrivals<Message>();
  /** Sent with every request, the cookies that the server set among them. */
  headers: OutgoingHttpHeaders;
  abstract readonly transport: Transport;
  /** Whether events come by themselves. */
  abstract readonly pushes: boolean;
  abstract send(payload: unknown): Sent;

  constructor(headers: OutgoingHttpHeaders) {
    this.headers = headers;
  }

  protected hear(message: Message): void {
    this.log.push(message);
    if (isEvent(message)) this.inbox.push(message);
  }
}

export async function openLink(
  target: Target,
  transport: Transport,
  headers: OutgoingHttpHeaders = {},
): Promise<Link> {
  if (transport === 'websocket') return new WebSocketLink(await target.socket('', headers), headers);
  return transport === 'eventsource'
    ? new EventSourceLink(target, transport, headers)
    : new PollingLink(target, transport, headers);
}

class PollingLink extends Link {
  readonly transport: Transport;
  readonly pushes: boolean = false;
  readonly #target: Target;

  constructor(target: Target, transport: Transport, headers: OutgoingHttpHeaders) {
    super(headers);
    this.#target = target;
    this.transport = transport;
  }

  send(payload: unknown): Sent {
    const exchange = this.#exchange(payload);
    const messages = exchange.response.then((response) => {
      const cookies = response.headers['set-cookie']?.map((cookie) => cookie.split(';')[0]);
      if (cookies) this.headers = { ...this.headers, Cookie: cookies.join('; ') };
      const batch = readBatch(bodyOf(response, this.transport));
      for (const message of batch) this.hear(message);
      return batch;
    });
    messages.catch(() => undefined);
    return {
      messages,
      response: exchange.response,
      answered: () => exchange.answered,
      abort: exchange.abort,
    };
  }

  #exchange(payload: unknown): HttpExchange {
    if (this.transport === 'callback-polling') return this.#target.jsonp(payload, this.headers);
    return this.#target.post(payload, { 'Content-Type': 'application/json', ...this.headers });
  }
}

function bodyOf({ status, text }: HttpResponse, transport: Transport): string {
  assert.equal(status, 200, `status ${status}: ${text.slice(0, 200)}`);
  if (transport !== 'callback-polling') return text;
  const call = /^(?:\/\*\*\/)?answer\((.*)\);?$/s.exec(text);
  assert(call?.[1], `not a call of the callback: ${text.slice(0, 200)}`);
  return call[1];
}

/** Asks by POST and hears by an event stream, once there is a session to open it for. */
export class EventSourceLink extends PollingLink {
  override readonly pushes = true;
  readonly #target: Target;

  constructor(target: Target, transport: Transport, headers: OutgoingHttpHeaders) {
    super(target, transport, headers);
    this.#target = target;
  }

  async listen(clientId: unknown): Promise<EventStream> {
    const stream = await this.#target.stream(clientId, this.headers);
    assert.equal(stream.status, 200, `stream refused with ${stream.status}`);
    // A stream may end; another one, or a connect, then takes over.
    this.#read(stream).catch(() => undefined);
    return stream;
  }

  async #read(stream: EventStream): Promise<void> {
    for (;;) {
      const line = await stream.lines.shift();
      if (!line.startsWith('data:')) continue;
      for (const message of readBatch(line.slice(5))) this.hear(message);
    }
  }
}

/** Replies on a socket find their request by `id`, else they answer the oldest one waiting. */
export class WebSocketLink extends Link {
  readonly transport = 'websocket';
  readonly pushes = true;
  readonly socket: WebSocket;
  readonly #asked: { ids: string[]; replies: Arrivals<Message> }[] = [];

  constructor(socket: WebSocket, headers: OutgoingHttpHeaders) {
    super(headers);
    this.socket = socket;
    this.#read().catch((error) => this.#end(error));
  }

  send(payload: unknown): Sent {
    const batch: readonly Fields[] = Array.isArray(payload) ? payload : [payload];
    const asked = { ids: batch.map(({ id }) => JSON.stringify(id) ?? ''), replies: new Arrivals<Message>() };
    this.#asked.push(asked);
    this.socket.send(JSON.stringify(payload));
    const messages = asked.replies
      .until(({ length }) => length === batch.length)
      .then(() => asked.replies.items);
    messages.catch(() => undefined);
    const answered = () => asked.replies.items.length === batch.length;
    return { messages, response: undefined, answered, abort: () => this.socket.destroy() };
  }

  async #read(): Promise<void> {
    for (;;) {
      for (const message of readBatch(await this.socket.texts.shift())) {
        this.hear(message);
        if (!isEvent(message)) this.#answer(message);
      }
    }
  }

  #answer(reply: Message): void {
    const id = JSON.stringify(reply.id) ?? '';
    const open = this.#asked.filter(({ ids }) => ids.length > 0);
    const asked = open.find(({ ids }) => ids.includes(id)) ?? open[0];
    if (!asked) return;
    asked.ids.splice(Math.max(0, asked.ids.indexOf(id)), 1);
    asked.replies.push(reply);
  }

  #end(error: Error): void {
    this.log.end(error);
    this.inbox.end(error);
    for (const { replies } of this.#asked) replies.end(error);
  }
}
