import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Sends plain HTTP requests over a few connections that stay open. */
export class HttpClient {
  readonly url: string;
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(url: string, connections: number) {
    this.url = url;
    this.#url = new URL(url);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Rejects when the connection breaks, or nothing comes within ten seconds. */
  send(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders = {},
    body?: string | Buffer,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { hostname, port, pathname } = this.#url;
      const asked = request(
        { agent: this.#agent, hostname, port, method, path: pathname + path, headers },
        (response) => void read(response).then(resolve, reject),
      );
      asked.setTimeout(10_000, () => void asked.destroy(new Error('no answer within ten seconds')));
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Sends a batch as JSON; gives the messages that came back. */
  async post(messages: object): Promise<readonly { readonly [key: string]: unknown }[]> {
    const body = JSON.stringify(messages);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const answer = await this.send('POST', '', headers, body);
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    return JSON.parse(answer.body);
  }

  close(): void {
    this.#agent.destroy();
  }
}

function read(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { statusCode: status = 0, headers } = response;
    const type = headers['content-type'] ?? '';
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
      // A stream has no end: its first words are enough.
      if (type.startsWith('text/event-stream')) response.destroy();
    });
    response.on('error', reject);
    response.on('close', () => resolve({ status, type, body }));
  });
}
