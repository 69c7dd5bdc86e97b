import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as plain } from 'node:http';
import { request as secure } from 'node:https';

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

/** One HTTP request on a connection of its own, which may be held, or cut. */
export class HttpExchange {
  readonly response: Promise<HttpResponse>;
  readonly abort: () => void;
  #answered = false;

  constructor(mount: URL, { method = 'GET', path = '', headers = {}, body, unfinished }: HttpRequest) {
    const open = mount.protocol === 'https:' ? secure : plain;
    const request = open(mount, { method, path: mount.pathname + path, headers, agent: false });
    this.abort = () => request.destroy();
    this.response = new Promise((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          this.#answered = true;
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text: Buffer.concat(chunks).toString() });
        });
      });
    });
    // A check may end before this does; then nobody is left to hear of it.
    this.response.catch(() => undefined);
    if (unfinished === undefined) request.end(body);
    else request.write(unfinished);
  }

  get answered(): boolean {
    return this.#answered;
  }
}
