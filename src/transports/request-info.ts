import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { bareAddress } from '../lib/address.ts';
import type { RequestInfo, TransportName } from '../ports/conduit.ts';
import { type TrustProxy, trustOf } from './trusted-proxies.ts';
import { valuesOf } from './form.ts';
import type { RequestHead } from './http.ts';

type Asked = Pick<RequestHead, 'headers' | 'url' | 'originalUrl' | 'socket'>;

/** What a policy may know of a request: plain and frozen (HS-17). */
export function requestInfo(req: Asked, transport: TransportName, trustProxy: TrustProxy): RequestInfo {
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

/**
 * The name and port a client asked for, as it wrote them, or as a trusted proxy says it did. The target of the request stands
 * over `Host` when it is a whole address (RFC 9112, 3.2.2), and so does `:authority` (RFC 9113, 8.3.1).
 */
export function hostOf(req: RequestHead, trustProxy: TrustProxy): string {
  const { headers, url = '', originalUrl = url } = req;
  const forwarded = forwardedBy(req, headers['x-forwarded-host'], trustProxy);
  return forwarded ?? authorityOf(originalUrl) ?? textOf(headers[':authority']) ?? headers.host ?? '';
}

/**
 * How the client asked, as far as it is known: by TLS here, or as a trusted proxy says. A plain connection may come from a proxy
 * that nobody said to trust, so it tells nothing.
 */
export function schemeOf(req: RequestHead, trustProxy: TrustProxy): 'http' | 'https' | undefined {
  const forwarded = forwardedBy(req, req.headers['x-forwarded-proto'], trustProxy);
  if (forwarded !== undefined) return forwarded.toLowerCase() === 'https' ? 'https' : 'http';
  return 'encrypted' in req.socket && req.socket.encrypted === true ? 'https' : undefined;
}

/** Whether the request came by TLS, here or at a trusted proxy. */
export function isSecure(req: RequestHead, trustProxy: TrustProxy): boolean {
  return schemeOf(req, trustProxy) === 'https';
}

/** The value of one cookie. */
export function cookieOf(header: string, name: string): string | undefined {
  if (!header.includes(name)) return undefined;
  return pairsOf(header).find(([one]) => one === name)?.[1];
}

/** Where a request is from: the peer, or whom the nearest trusted proxies name, up to the first address that is not trusted. */
export function addressOf(
  { headers, socket }: Pick<Asked, 'headers' | 'socket'>,
  trustProxy: TrustProxy,
): string {
  let address = bareAddress(socket.remoteAddress ?? '');
  if (trustProxy === false) return address;
  const isTrusted = trustOf(trustProxy);
  const forwarded = (textOf(headers['x-forwarded-for']) ?? '').split(',');
  for (let hop = 0; isTrusted(address, hop); hop += 1) {
    const next = bareAddress(forwarded.pop() ?? '');
    if (isIP(next) === 0) break;
    address = next;
  }
  return address;
}

// A proxy appends to what a client may have made up, or writes all of it: only the last entry is surely its own.
function forwardedBy(
  { socket }: Pick<RequestHead, 'socket'>,
  header: IncomingHttpHeaders[string],
  trustProxy: TrustProxy,
): string | undefined {
  if (header === undefined || !trustOf(trustProxy)(bareAddress(socket.remoteAddress ?? ''), 0))
    return undefined;
  const last = textOf(header)?.split(',').at(-1)?.trim();
  return last === '' ? undefined : last;
}

function authorityOf(target: string): string | undefined {
  return target.startsWith('/') ? undefined : /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
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
