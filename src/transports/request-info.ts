import type { IncomingHttpHeaders } from 'node:http';
import type { RequestInfo, TransportName } from '../core/conduit.ts';
import { valuesOf } from './form.ts';
import type { RequestHead } from './http.ts';

type Asked = Pick<RequestHead, 'headers' | 'url' | 'originalUrl' | 'socket'>;

/** What a policy may know of a request: plain and frozen (HS-17). */
export function requestInfo(req: Asked, transport: TransportName, trustProxy: boolean): RequestInfo {
  const { origin, cookie = '' } = req.headers;
  const url = withoutSecret(req.originalUrl ?? req.url ?? '', transport);
  const headers = { ...req.headers };
  // The same again, over HTTP/2.
  if (':path' in headers) headers[':path'] = url;
  return Object.freeze({
    transport,
    address: addressOf(req, trustProxy),
    headers: Object.freeze(headers),
    cookies: Object.freeze(Object.fromEntries(pairsOf(cookie))),
    ...(typeof origin === 'string' && { origin }),
    url,
  });
}

// HS-16: the URL of a stream ends with the clientId, and that of a JSONP call has messages with it in its query.
function withoutSecret(url: string, transport: TransportName): string {
  if (transport === 'eventsource') return url.replace(/[^/?]*(?=\?|$)/, '');
  return transport === 'callback-polling' ? url.replace(/\?.*/s, withoutMessages) : url;
}

function withoutMessages(query: string): string {
  const others = query
    .slice(1)
    .split('&')
    .filter((pair) => valuesOf(pair, 'message').length === 0);
  return others.length === 0 ? '' : `?${others.join('&')}`;
}

/** The name and port a client asked for, as it wrote them, or as a trusted proxy says it did. */
export function hostOf({ headers }: RequestHead, trustProxy: boolean): string {
  const forwarded = trustProxy ? lastOf(headers['x-forwarded-host']) : undefined;
  return forwarded ?? headers.host ?? textOf(headers[':authority']) ?? '';
}

/** Whether the request came by TLS, here or at a trusted proxy. */
export function isSecure({ headers, socket }: RequestHead, trustProxy: boolean): boolean {
  const forwarded = trustProxy ? lastOf(headers['x-forwarded-proto']) : undefined;
  return forwarded === undefined ? 'encrypted' in socket && socket.encrypted === true : forwarded === 'https';
}

/** The value of one cookie. */
export function cookieOf(header: string, name: string): string | undefined {
  if (!header.includes(name)) return undefined;
  return pairsOf(header).find(([one]) => one === name)?.[1];
}

/** The peer's address, or what a trusted proxy says it is; empty when there is none. */
export function addressOf(
  { headers, socket }: Pick<Asked, 'headers' | 'socket'>,
  trustProxy: boolean,
): string {
  const forwarded = trustProxy ? lastOf(headers['x-forwarded-for']) : undefined;
  return forwarded ?? socket.remoteAddress ?? '';
}

// The proxy in front appends to what a client may have made up: only the last entry is its own.
function lastOf(header: IncomingHttpHeaders[string]): string | undefined {
  const last = textOf(header)?.split(',').at(-1)?.trim();
  return last === '' ? undefined : last;
}

function textOf(header: IncomingHttpHeaders[string]): string | undefined {
  return Array.isArray(header) ? header.at(-1) : header;
}

function pairsOf(header: string): [name: string, value: string][] {
  return header.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), unquoted(pair.slice(at + 1).trim())]];
  });
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
