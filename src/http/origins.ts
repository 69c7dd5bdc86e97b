import { printable } from '../core/printable.ts';
import { callOut } from '../core/callback.ts';
import type { Server } from '../core/server.ts';
import { shown } from '../core/shown.ts';
import { UsageError } from '../core/usage-error.ts';
import type { RequestHead, HttpResponse } from '../transports/http.ts';
import { commonHeaders } from '../transports/http.ts';
import { hostOf } from '../transports/request-info.ts';

/**
 * Whether the page behind a request, if there is one, may use the server (CO-2). A request without `Origin` is from no page of
 * another site. A refusal is logged.
 */
export function isAllowedOrigin(req: RequestHead, server: Server): boolean {
  const { origin } = req.headers;
  return origin === undefined || isAllowed(origin, req, server);
}

/**
 * As `isAllowedOrigin` for what pages load without an `Origin` (CO-3). Any page can read a script that it loads. It can read an
 * event stream of another origin only by `Origin`.
 */
export function isAllowedSource(req: RequestHead, server: Server, source: 'script' | 'stream'): boolean {
  const { origin, referer } = req.headers;
  if (origin !== undefined) return isAllowed(origin, req, server);
  if (referer !== undefined) return isAllowed(originOf(referer), req, server);
  const site = req.headers['sec-fetch-site'];
  const isKnown = site === undefined ? source === 'stream' : site === 'same-origin' || site === 'none';
  if (isKnown || server.options.origins === '*') return true;
  refused(server, undefined, noPage);
  return false;
}

const noPage =
  'the request does not say which page it is from; a page that uses callback-polling or eventsource must send a Referer: ' +
  'serve it with Referrer-Policy: same-origin, or strict-origin when it is on another origin';

function isAllowed(origin: string, req: RequestHead, server: Server): boolean {
  if (accepts(origin, req, server)) return true;
  refused(server, origin, 'this origin may not use the server; if it should, list it in the option origins');
  return false;
}

function refused({ log }: Server, origin: string | undefined, why: string): void {
  log({ level: 'warn', event: 'origin.refused', origin: origin && printable(origin.slice(0, 300)), why });
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
    return isYes(origins(origin), server);
  } catch (error) {
    server.log({ level: 'error', event: 'origins.failed', error });
    return false;
  }
}

// Nobody waits here: a promise is no yes.
function isYes(answer: unknown, { log }: Server): boolean {
  if (typeof answer === 'boolean') return answer;
  const failed = (error: unknown): void => log({ level: 'error', event: 'origins.failed', error });
  failed(new UsageError(`origins returned ${shown(answer)}: it must return true or false, at once`));
  callOut(() => answer, failed);
  return false;
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
