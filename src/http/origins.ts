import type { Server } from '../core/server.ts';
import type { RequestHead, HttpResponse } from '../transports/http.ts';
import { commonHeaders } from '../transports/http.ts';
import { hostOf } from '../transports/request-info.ts';

/** Whether the page behind a request, if there is one, may use the server (CO-2). No `Origin` is no page of another site. */
export function isAllowedOrigin(req: RequestHead, server: Server): boolean {
  const { origin } = req.headers;
  return origin === undefined || accepts(origin, req, server);
}

/** As `isAllowedOrigin` for what pages load without an `Origin`: scripts and event streams (CO-3). */
export function isAllowedSource(req: RequestHead, server: Server): boolean {
  const { origin, referer } = req.headers;
  if (origin !== undefined) return accepts(origin, req, server);
  if (referer !== undefined) return accepts(originOf(referer), req, server);
  const site = req.headers['sec-fetch-site'];
  return (site !== 'cross-site' && site !== 'same-site') || server.options.origins === '*';
}

/** Lets the page that asked read the answer (CO-1). `*` would not do: both browser clients send credentials. */
export function allowOrigin({ headers: { origin } }: RequestHead, res: HttpResponse): void {
  if (origin === undefined) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Access-Control-Allow-Credentials', 'true');
  res.appendHeader('Vary', 'Origin');
}

/** Answers a preflight of an allowed origin (CO-4). */
export function preflight(req: RequestHead, res: HttpResponse, { options: { cors } }: Server): void {
  const asked = req.headers['access-control-request-headers'] ?? '';
  const named = new Map(
    [...cors.headers, ...asked.split(',')].map((name) => [name.trim().toLowerCase(), name.trim()]),
  );
  const headers = [...named.values()].filter((name) => token.test(name));
  res.writeHead(200, {
    ...commonHeaders,
    'Access-Control-Allow-Methods': 'POST, GET',
    'Access-Control-Allow-Headers': headers.join(', '),
    'Access-Control-Max-Age': cors.maxAge,
    'Content-Length': 0,
  });
  res.end('');
}

const token = /^[\w!#$%&'*+.^`|~-]+$/;

function accepts(origin: string, req: RequestHead, server: Server): boolean {
  const { origins, trustProxy } = server.options;
  if (origins === '*') return true;
  if (origins === 'same') return isSame(origin, hostOf(req, trustProxy));
  // `search` minds no `lastIndex`, which a global expression would carry from one request to the next.
  if (origins instanceof RegExp) return origin.search(origins) !== -1;
  if (typeof origins !== 'function') return origins.includes(origin);
  try {
    return origins(origin);
  } catch (error) {
    server.log({ level: 'error', event: 'origins.failed', error });
    return false;
  }
}

// Host and port decide: behind a proxy nobody here knows the scheme.
function isSame(origin: string, host: string): boolean {
  const at = origin.indexOf('://') + 3;
  if (at < 3 || host === '') return false;
  if (origin.slice(at) === host) return true;
  const asked = hostIn(origin.slice(0, at) + host);
  return asked !== undefined && asked === hostIn(origin);
}

function hostIn(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

function originOf(referer: string): string {
  return URL.canParse(referer) ? new URL(referer).origin : 'null';
}
