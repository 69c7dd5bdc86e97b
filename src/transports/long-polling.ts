import type { Server } from './options.ts';
import { discard, readBody } from './body.ts';
import { commonHeaders, type Handle, HttpError } from './http.ts';
import { isParsed, textsOfParsed } from './parsed-body.ts';
import { type PollingShape, polling } from './polling.ts';
import { textsOf } from './texts.ts';

const dress = {
  headers: { ...commonHeaders, 'Content-Type': 'application/json; charset=utf-8' },
  around: 0,
  body: (json: string) => json,
};

/** `long-polling`, and under its second name `cross-origin-long-polling`: a POST of JSON or of a form (LP-1 to LP-5). */
export function longPolling(server: Server): Handle {
  const { clock } = server;
  const { maxMessageSize } = server.options;
  const shape: PollingShape = {
    transport: 'long-polling',
    dress: () => dress,
    read(req) {
      const type = (req.headers['content-type'] ?? '').toLowerCase();
      if (isParsed(req)) return textsOfParsed(req, type, maxMessageSize);
      if (!isReadable(type)) {
        discard(req, clock);
        throw new HttpError(415, 'Unsupported charset');
      }
      return readBody(req, server).then((bytes) => textsOf(bytes, type));
    },
  };
  return polling(server, shape);
}

function isReadable(type: string): boolean {
  const at = type.indexOf('charset=');
  if (at === -1) return true;
  const [charset = ''] = type.slice(at + 'charset='.length).split(';');
  return ['utf-8', 'utf8', 'us-ascii', 'ascii'].includes(charset.trim().replaceAll('"', ''));
}
