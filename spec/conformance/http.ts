import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Wire } from './wire.ts';

export interface HttpRequest {
  readonly method?: string;
  /** What follows the mount, query included. */
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** The beginning of a body that never ends. */
  readonly unfinished?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One HTTP request, which may be held, or cut. */
export class HttpExchange {
  readonly response: Promise<HttpResponse>;
  readonly abort: () => void;
  #answered = false;

  constructor(
    wire: Wire,
    mount: URL,
    { method = 'GET', path = '', headers = {}, body, unfinished }: HttpRequest,
  ) {
    const asked = wire.ask(new URL(mount.href + path), method, headers);
    this.abort = asked.abort;
    this.response = asked.answer.then(async ({ status, headers, body }) => {
      const text = await textOf(body);
      this.#answered = true;
      return { status, headers, text };
    });
    // A check may end before this does; then nobody is left to hear of it.
    this.response.catch(() => undefined);
    if (unfinished === undefined) asked.body.end(body);
    else asked.body.write(unfinished);
  }

  get answered(): boolean {
    return this.#answered;
  }
}

function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  body.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    body.once('error', reject);
    body.once('end', () => resolve(Buffer.concat(chunks).toString()));
    body.once('close', () => reject(new Error('the response broke off')));
  });
}
