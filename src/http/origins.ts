import type { TrustProxy } from '../transports/trusted-proxies.ts';
import { printable } from '../lib/printable.ts';
import { callOut } from '../lib/callback.ts';
import type { Server } from './options.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { RequestHead, HttpResponse } from '../transports/http.ts';
import { commonHeaders } from '../transports/http.ts';
import { hostOf, schemeOf } from '../transports/request-info.ts';

/**
 * Why the page behind a request without `Origin` may not use the server, in words; undefined if it may (CO-3). Any page
 * can read a script that it loads. It can read an event stream of another origin only with `Origin`.
 */
export function refusalOfSource(
  req: RequestHead,
  server: Server,
  source: 'script' | 'stream',
): string | undefined {
  const { referer } = req.headers;
  if (referer !== undefined) return refusalOfOrigin(originOf(referer), req, server);
  const site = req.headers['sec-fetch-site'];
  const isKnown = site === undefined ? source === 'stream' : site === 'same-origin' || site === 'none';
  if (isKnown || server.options.origins === '*') return undefined;
  server.refusals.note('origin.refused', { option: 'origins', cause: 'no page', why: noPage });
  return noPage;
}

const noPage =
  'the request does not say which page it is from; a page that uses callback-polling or eventsource must send a Referer: ' +
  'serve it with Referrer-Policy: same-origin, or strict-origin when it is on another origin';

/** Why a page of this origin may not use the server, in words; undefined if it may (CO-2). A refusal is logged. */
export function refusalOfOrigin(origin: string, req: RequestHead, server: Server): string | undefined {
  if (accepts(origin, req, server)) return undefined;
  const { origins, trustProxy } = server.options;
  const own = `${schemeOf(req, trustProxy) ?? 'http'}://${hostOf(req, trustProxy)}`;
  const shown = cut(origin);
  const hint = origins === 'same' ? hintFor(origin, own, req, server) : '';
  const why = `origin ${shown} is not allowed; add it to "origins"${hint}`;
  const details = { option: 'origins', origin: shown, ...(origins === 'same' && { own: cut(own) }), why };
  server.refusals.note('origin.refused', details);
  return why;
}

// What a page of our own is refused for most.
function hintFor(origin: string, own: string, { headers }: RequestHead, { options }: Server): string {
  const bare = (url: string) => normal(url).replace(/^https?:/, '');
  if (bare(origin) === bare(own)) return `, or open the page at ${cut(own)}`;
  const isForwarded = headers['x-forwarded-host'] !== undefined && options.trustProxy === false;
  return isForwarded ? ', or set "trustProxy" if a proxy of yours is in front' : '';
}

function cut(text: string): string {
  return printable(text.slice(0, 300));
}

/** Lets the page read the answer (CO-1). `*` is not enough, since both browser clients send credentials. */
export function allowOrigin(origin: string, res: HttpResponse): void {
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
  if (origins === 'same') return isSame(origin, req, trustProxy);
  // `search` ignores `lastIndex`, which a global expression would keep from one request to the next.
  if (origins instanceof RegExp) return origin.search(origins) !== -1;
  if (typeof origins !== 'function') return origins.some((allowed) => isEqual(origin, allowed));
  try {
    return isYes(origins(origin), server);
  } catch (error) {
    server.log({ level: 'error', event: 'origins.failed', error });
    return false;
  }
}

// The answer is not awaited: a promise does not allow anything.
function isYes(answer: unknown, { log }: Server): boolean {
  if (typeof answer === 'boolean') return answer;
  const failed = (error: unknown): void => log({ level: 'error', event: 'origins.failed', error });
  failed(new UsageError(`origins returned ${shown(answer)}: it must return true or false, at once`));
  callOut(() => answer, failed);
  return false;
}

// A plain connection may come from a proxy that ends TLS, so an `https` page of this host counts as own. TLS
// has proved its name, and browsers do not let it send plain HTTP requests to others.
function isSame(origin: string, req: RequestHead, trustProxy: TrustProxy): boolean {
  const host = hostOf(req, trustProxy);
  const scheme = schemeOf(req, trustProxy);
  const schemes = scheme === undefined ? ['http', 'https'] : [scheme];
  return host !== '' && schemes.some((own) => isEqual(origin, `${own}://${host}`));
}

// Host names ignore case, and the default port of a scheme is optional.
function isEqual(origin: string, other: string): boolean {
  return origin === other || (URL.canParse(origin) && normal(origin) === normal(other));
}

function normal(origin: string): string {
  if (!URL.canParse(origin)) return origin;
  const { protocol, host } = new URL(origin);
  return `${protocol}//${host}`;
}

function originOf(referer: string): string {
  return URL.canParse(referer) ? new URL(referer).origin : 'null';
}
