import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as plain } from 'node:http';
import { connect, constants } from 'node:http2';
import { request as secure } from 'node:https';
import type { Readable, Writable } from 'node:stream';

/** A request that is on its way. */
export interface Asked {
  readonly body: Writable;
  readonly answer: Promise<{
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: Readable;
  }>;
  /** Takes the request back, whatever came of it. */
  abort(): void;
}

/** How requests reach a server. */
export interface Wire {
  ask(url: URL, method: string, headers: OutgoingHttpHeaders): Asked;
  close(): void;
}

/** Each request on a connection of its own. */
export const http1: Wire = {
  ask(url, method, headers) {
    const open = url.protocol === 'https:' ? secure : plain;
    const request = open(url, { method, headers, agent: false, rejectUnauthorized: false });
    const answer = new Promise<Awaited<Asked['answer']>>((resolve, reject) => {
      request.on('error', reject);
      request.once('response', (body) =>
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body }),
      );
    });
    return { body: request, answer, abort: () => void request.destroy() };
  },
  close() {},
};

/** All requests are streams of one connection. */
export function http2({ origin }: URL): Wire {
  const session = connect(origin, { rejectUnauthorized: false }).on('error', () => undefined);
  return {
    ask(url, method, headers) {
      // A body comes in frames whatever its request says, so HTTP/2 forbids this header.
      const { 'Transfer-Encoding': _, ...allowed } = headers;
      const target = { ':method': method, ':path': url.pathname + url.search };
      const body = session.request({ ...target, ...allowed }, { endStream: false });
      const answer = new Promise<Awaited<Asked['answer']>>((resolve, reject) => {
        body.on('error', reject);
        body.once('close', () => reject(new Error('the stream was closed')));
        body.once('response', ({ ':status': status = 0, ...rest }) =>
          resolve({ status, headers: rest, body }),
        );
      });
      return { body, answer, abort: () => body.close(constants.NGHTTP2_CANCEL) };
    },
    close: () => session.destroy(),
  };
}
