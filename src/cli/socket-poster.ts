import { isIP } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { ClientError, unreachable } from './client-error.ts';
import { HttpConnection, type Target } from './http-connection.ts';
import type { LinkOptions } from './link.ts';
import type { Answer, Poster } from './poster.ts';

type Headers = Readonly<Record<string, string>>;

/** Connections at a time. */
const MAX_CONNECTIONS = 8;

/** Posts over plain sockets. Node's HTTP client takes several times the CPU, which `bench` would measure as latency. */
export class SocketPoster implements Poster {
  readonly #url: string;
  readonly #target: Target;
  readonly #start: string;
  /** The head of the last request, and the headers it was made with. */
  #head = '';
  #headers: Headers | undefined;
  readonly #always: Headers;
  readonly #connections = new Set<HttpConnection>();
  readonly #idle: HttpConnection[] = [];
  readonly #waiting: ((connection: HttpConnection) => void)[] = [];

  constructor(url: string, { headers, ca, insecure }: LinkOptions) {
    const { host, port, protocol } = new URL(url);
    const { hostname, path, auth } = urlToHttpOptions(new URL(url));
    const name = String(hostname);
    const isSecure = protocol === 'https:';
    const servername = isIP(name) ? '' : name; // TLS knows no addresses there (RFC 6066, 3).
    const tls = { servername, rejectUnauthorized: !insecure, ...(ca && { ca }) };
    this.#url = url;
    this.#target = {
      host: name,
      port: Number(port) || (isSecure ? 443 : 80),
      tls: isSecure ? tls : undefined,
    };
    this.#start = `POST ${path} HTTP/1.1\r\n`;
    const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
    this.#always = { host, 'content-type': 'application/json', ...basic, ...headers };
  }

  async post(body: string, headers: Headers = {}, signal?: AbortSignal): Promise<Answer> {
    const request = this.#request(body, headers);
    for (;;) {
      const connection = await this.#take();
      try {
        const response = await connection.exchange(request, signal);
        this.#release(connection);
        return response;
      } catch (error) {
        signal?.throwIfAborted();
        if (connection.wasStale) continue;
        throw error instanceof ClientError ? error : unreachable(this.#url, error);
      }
    }
  }

  close(): void {
    this.#waiting.length = 0;
    for (const connection of this.#connections) connection.destroy();
  }

  #request(body: string, headers: Headers): string {
    if (headers !== this.#headers) {
      const { 'content-length': _, ...fields } = { ...this.#always, ...headers };
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      this.#head = `${this.#start}${lines.join('')}content-length: `;
      this.#headers = headers;
    }
    return `${this.#head}${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  #take(): HttpConnection | Promise<HttpConnection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#connections.size < MAX_CONNECTIONS) return this.#open();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  #release(connection: HttpConnection): void {
    if (!connection.isOpen) return;
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next(connection);
  }

  #open(): HttpConnection {
    const connection = new HttpConnection(this.#target, () => this.#remove(connection));
    this.#connections.add(connection);
    return connection;
  }

  #remove(connection: HttpConnection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#waiting.shift()?.(this.#open());
  }
}
