import type { Server } from './options.ts';
import { discard, readBody } from './body.ts';
import { commonHeaders, type Handle, HttpError, type HttpRequest, type HttpResponse } from './http.ts';
import { textsOfParsed } from './parsed-body.ts';
import { receive, turnAway } from './polling.ts';
import { textsOf } from './texts.ts';

const format = {
  headers: { ...commonHeaders, 'Content-Type': 'application/json; charset=utf-8' },
  around: 0,
};

/** `long-polling`, and under its second name `cross-origin-long-polling`: a POST of JSON or of a form (LP-1 to LP-5). */
export function longPolling(server: Server): Handle {
  const { maxMessageSize } = server.options;
  // Returns without waiting for the answer: a function that waits would keep the text of the body until then.
  const take = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const type = (req.headers['content-type'] ?? '').toLowerCase();
    if (type.includes('charset=') && !isReadable(type)) {
      discard(req, server.clock);
      throw new HttpError(415, 'Unsupported charset');
    }
    // A body parser has read the stream: only then is `req.body` the body (Express 4 sets `{}` on an unread one).
    const texts = req.readableEnded
      ? textsOfParsed(req, type, maxMessageSize)
      : textsOf(await readBody(req, server), type);
    return receive(server, 'long-polling', texts, { req, res, format });
  };
  return (req, res) => take(req, res).catch((error: unknown) => turnAway(error, res, server));
}

function isReadable(type: string): boolean {
  const [charset = ''] = type.slice(type.indexOf('charset=') + 'charset='.length).split(';');
  return ['utf-8', 'utf8', 'us-ascii', 'ascii'].includes(charset.trim().replaceAll('"', ''));
}
