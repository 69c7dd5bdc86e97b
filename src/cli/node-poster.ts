import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { unreachable } from './client-error.ts';
import type { LinkOptions } from './link.ts';
import type { Answer, Poster } from './poster.ts';

/** Posts with Node's HTTP client. */
export class NodePoster implements Poster {
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

  async post(
    body: string,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Answer> {
    for (;;) {
      const request = this.#request(headers, signal);
      let response: IncomingMessage | undefined;
      try {
        response = await answerTo(request, body);
        const cookies = response.headers['set-cookie'] ?? [];
        return { status: response.statusCode ?? 0, cookies, text: await text(response) };
      } catch (error) {
        signal?.throwIfAborted();
        // The server closed the connection while it was idle, and has not read this.
        const isHangUp = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
        if (isHangUp && request.reusedSocket && response === undefined) continue;
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
