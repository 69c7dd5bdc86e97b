import type { Server } from './options.ts';
import { recover } from '../lib/maybe-promise.ts';
import { discard, readBody, textsOf } from './body.ts';
import { commonHeaders, type Handle, HttpError } from './http.ts';
import { HttpExchange } from './http-exchange.ts';
import { textsOfParsed } from './parsed-body.ts';
import { turnAway } from './turn-away.ts';

const format = {
  // All names in one literal: Node reads a copy made by `...` more slowly.
  headers: (length: number) => ({
    'Cache-Control': commonHeaders['Cache-Control'],
    'X-Content-Type-Options': commonHeaders['X-Content-Type-Options'],
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': length,
  }),
  around: 0,
};

/** `long-polling`, and under its second name `cross-origin-long-polling`: a POST of JSON or of a form (LP-1 to LP-5). */
export function longPolling(server: Server): Handle {
  // Not an async function, which would keep the text of the body until the answer.
  return (req, res) => {
    const type = (req.headers['content-type'] ?? '').toLowerCase();
    const failed = (error: unknown) => turnAway(error, req, res, server);
    if (type.includes('charset=') && !isReadable(type)) {
      discard(req, server.clock);
      return failed(new HttpError(415, 'Unsupported charset: send UTF-8'));
    }
    // A body parser has read the stream: only then is `req.body` the body (Express 4 sets `{}` on an unread one).
    const request = { req, res, format };
    if (req.readableEnded) {
      const texts = () => textsOfParsed(req, type, server.options);
      return recover(() => HttpExchange.receive(server, 'long-polling', texts(), request), failed);
    }
    return readBody(req, server)
      .then((bytes) => HttpExchange.receive(server, 'long-polling', textsOf(bytes, type), request))
      .catch(failed);
  };
}

function isReadable(type: string): boolean {
  const [charset = ''] = type.slice(type.indexOf('charset=') + 'charset='.length).split(';');
  return ['utf-8', 'utf8', 'us-ascii', 'ascii'].includes(charset.trim().replaceAll('"', ''));
}
