import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { ClientError, unreachable } from './client-error.ts';
import { batchOf, type Incoming, type Link, type LinkOptions, type Outgoing } from './link.ts';

/** An answer to a POST. */
export interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly text: string;
}

/** Posts JSON to one address, on connections that stay open. */
export class Poster {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: Agent;

  constructor(url: string, { headers, ca, insecure }: LinkOptions) {
    const pool = { keepAlive: true, maxSockets: 8 };
    this.#url = url;
    this.#headers = { 'content-type': 'application/json', ...headers };
    this.#agent = url.startsWith('https:')
      ? new SecureAgent({ ...pool, rejectUnauthorized: !insecure, ...(ca && { ca }) })
      : new Agent(pool);
  }

  /** Throws `ClientError` when there is no answer. */
  async post(
    body: string,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Answer> {
    for (;;) {
      const request = this.#request(headers, signal);
      try {
        const response = await answerTo(request, body);
        const cookies = response.headers['set-cookie'] ?? [];
        return { status: response.statusCode ?? 0, cookies, text: await text(response) };
      } catch (error) {
        signal?.throwIfAborted();
        // The server closed the connection while it was idle, and has not read this.
        if (request.reusedSocket && error instanceof Error && 'code' in error && error.code === 'ECONNRESET')
          continue;
        throw unreachable(this.#url, error);
      }
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(headers: Readonly<Record<string, string>>, signal?: AbortSignal): ClientRequest {
    const send = this.#url.startsWith('https:') ? httpsRequest : httpRequest;
    return send(this.#url, {
      method: 'POST',
      agent: this.#agent,
      headers: { ...this.#headers, ...headers },
      ...(signal && { signal }),
    });
  }
}

function answerTo(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).on('error', reject).end(body);
  });
}

/** Long-polling. */
export class HttpLink implements Link {
  readonly connectionType = 'long-polling';
  readonly #url: string;
  readonly #poster: Poster;
  readonly #cookies = new Map<string, string>();

  constructor(url: string, options: LinkOptions) {
    this.#url = url;
    this.#poster = new Poster(url, options);
  }

  async exchange(batch: readonly Outgoing[], signal?: AbortSignal): Promise<Incoming[]> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie === '' ? {} : { cookie };
    const { status, cookies, text } = await this.#poster.post(JSON.stringify(batch), headers, signal);
    if (status !== 200) throw new ClientError(`${this.#url} answered ${status} ${firstLine(text)}`.trim());
    for (const cookie of cookies) this.#keep(cookie);
    return batchOf(text, this.#url);
  }

  close(): void {
    this.#poster.close();
  }

  #keep(cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

const firstLine = (text: string) => text.split('\n', 1)[0]?.slice(0, 100) ?? '';
