import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { EventStream } from './event-stream.ts';
import { HttpExchange, type HttpRequest, type HttpResponse } from './http.ts';
import { type Upgrade, upgrade, type WebSocket } from './web-socket.ts';
import { http1, http2, type Wire } from './wire.ts';

const json = { 'Content-Type': 'application/json' };

export type Transport = 'long-polling' | 'callback-polling' | 'eventsource' | 'websocket';

/** Where a server is reached. */
export interface Place {
  readonly url: string;
  /** Requests go by HTTP/2; WebSockets have HTTP/1.1 all the same. */
  readonly http2?: boolean;
  /** How many nodes take the requests in turn; 1 unless given. */
  readonly nodes?: number;
}

/** The server under test as one check sees it over one transport: its sockets, which end with the check, and names of its own. */
export class Target {
  readonly url: URL;
  readonly transport: Transport;
  /** What this check asked last, for whom it waits in vain. */
  last = 'nothing was sent';
  readonly #wire: Wire;
  readonly #rounds: number;
  readonly #open: (() => void)[] = [];
  readonly #name = `c${randomBytes(6).toString('hex')}`;
  #ids = 0;

  constructor(server: Place, transport: Transport) {
    this.url = new URL(server.url);
    this.url.pathname = this.url.pathname.replace(/\/$/, '');
    this.transport = transport;
    this.#wire = server.http2 ? http2(this.url) : http1;
    this.#rounds = 2 * (server.nodes ?? 1);
  }

  /** A channel that no other check uses. */
  channel(name: string): string {
    return `/${this.#name}/${name}`;
  }

  nextId(): string {
    return (++this.#ids).toString(36);
  }

  http(request: HttpRequest): HttpExchange {
    const exchange = new HttpExchange(this.#wire, this.url, request);
    this.last = `${request.method ?? 'GET'} ${request.path ?? ''} ${String(request.body ?? '')}`.slice(
      0,
      300,
    );
    this.#open.push(exchange.abort);
    return exchange;
  }

  async fetch(request: HttpRequest): Promise<HttpResponse> {
    return this.http(request).response;
  }

  /** POSTs a body as it is, or any other value as JSON. */
  post(body: unknown, headers: OutgoingHttpHeaders = json, path = ''): HttpExchange {
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return this.http({ method: 'POST', path, headers, body: bytes });
  }

  /** Asks by callback-polling; `query` may repeat or replace the usual parameters. */
  jsonp(
    payload: unknown,
    headers: OutgoingHttpHeaders = {},
    query: readonly string[] = ['jsonp=answer'],
  ): HttpExchange {
    const message = `message=${encodeURIComponent(JSON.stringify(payload))}`;
    return this.script(`?${[...query, message].join('&')}`, headers);
  }

  /** Asks for a script as a page of the server does, unless the headers say from which page (CO-3). */
  script(path: string, headers: OutgoingHttpHeaders = {}): HttpExchange {
    const isSaid = ['Origin', 'Referer', 'Sec-Fetch-Site'].some((name) => name in headers);
    const own = isSaid ? {} : { Referer: `${this.url.origin}/page` };
    return this.http({ path, headers: { ...own, ...headers } });
  }

  upgrade(path = '', headers: OutgoingHttpHeaders = {}): Promise<Upgrade> {
    this.last = `upgrade ${path}`;
    return upgrade(this.#below(path), headers, (end) => this.#open.push(end));
  }

  async socket(path = '', headers: OutgoingHttpHeaders = {}): Promise<WebSocket> {
    const { status, socket } = await this.upgrade(path, headers);
    assert(socket, `upgrade refused with ${status}`);
    return socket;
  }

  stream(clientId: unknown, headers: OutgoingHttpHeaders = {}): Promise<EventStream> {
    this.last = 'an event stream';
    return EventStream.open(this.#wire, this.#below(`/${clientId}`), headers, (end) => this.#open.push(end));
  }

  /** Lets the server take in what other connections have written before. */
  async settle(): Promise<void> {
    for (let round = 0; round < this.#rounds; round++) {
      await this.post([{ id: this.nextId(), channel: '/meta/disconnect', clientId: 'nobody' }]).response;
    }
  }

  close(): void {
    for (const end of this.#open.splice(0)) end();
    this.#wire.close();
  }

  #below(path: string): URL {
    const url = new URL(this.url);
    url.pathname += path;
    return url;
  }
}
