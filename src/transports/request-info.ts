import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { bareAddress } from '../lib/address.ts';
import { cookiePairs } from '../lib/cookies.ts';
import type { RequestInfo, TransportName } from '../ports/conduit.ts';
import { type TrustProxy, trustOf } from './trusted-proxies.ts';
import { valuesOf } from './form.ts';
import type { RequestHead } from './http.ts';

type Source = Pick<RequestHead, 'headers' | 'url' | 'originalUrl' | 'socket'>;

/** The request as a policy sees it: plain values, frozen (HS-17). */
export function requestInfo(req: Source, transport: TransportName, trustProxy: TrustProxy): RequestInfo {
  const { origin, cookie = '' } = req.headers;
  const url = withoutSecret(req.originalUrl ?? req.url ?? '', transport);
  const headers = { ...req.headers };
  // HTTP/2 repeats the URL in a header.
  if (':path' in headers) headers[':path'] = url;
  return Object.freeze({
    transport,
    address: addressOf(req, trustProxy),
    headers: Object.freeze(headers),
    cookies: Object.freeze(Object.fromEntries(cookiePairs(cookie))),
    ...(typeof origin === 'string' && { origin }),
    url,
  });
}

// HS-16: the URL of a stream ends with the clientId, and the query of a JSONP call has messages that contain it.
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
 * The host and port that a client asked for, as it wrote them or as a trusted proxy reports them. A request
 * target that is a full URL takes precedence over `Host` (RFC 9112, 3.2.2), and so does `:authority` (RFC
 * 9113, 8.3.1).
 */
export function hostOf(req: RequestHead, trustProxy: TrustProxy): string {
  const { headers, url = '', originalUrl = url } = req;
  const forwarded = forwardedBy(req, headers['x-forwarded-host'], trustProxy);
  return forwarded ?? authorityOf(originalUrl) ?? textOf(headers[':authority']) ?? headers.host ?? '';
}

/**
 * The scheme of the client, if it is known from TLS here or from a trusted proxy. A plain connection may come
 * from a proxy that is not in `trustProxy`, so it tells nothing.
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
  return cookiePairs(header).find(([key]) => key === name)?.[1];
}

/** The client: the peer if it is no trusted proxy, else the last address in `X-Forwarded-For` that is none. */
export function addressOf(
  { headers, socket }: Pick<Source, 'headers' | 'socket'>,
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

// A client may send this header too. A proxy appends to it or replaces it, so only the last entry is surely from the proxy.
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
