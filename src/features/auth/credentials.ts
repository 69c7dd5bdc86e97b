import { cookiePairs } from '../../lib/cookies.ts';
import type { Conduit, RequestInfo } from '../../ports/conduit.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { TokenRefusal } from './refusal.ts';

/** The token in `ext.auth` of a message, if there is one. */
export function tokenIn(ext: JsonObject | undefined): string | undefined {
  const auth = ext?.auth;
  return isObject(auth) && typeof auth.token === 'string' ? auth.token : undefined;
}

/** AU-1: throws `TokenRefusal` for a message that came in a URL, because proxies and servers log URLs. */
export function refuseInUrl({ transport }: Conduit): void {
  if (transport === 'callback-polling')
    throw new TokenRefusal('missing', 'it came by callback-polling, whose URLs are logged');
}

/**
 * The token of a message or its HTTP request: in `ext`, in `Authorization`, or in the cookie with this name. Throws
 * `TokenRefusal` for several tokens that differ.
 */
export function tokenOf(
  ext: JsonObject | undefined,
  conduit: Conduit,
  cookie: string | undefined,
): string | undefined {
  const inMessage = tokenIn(ext);
  if (inMessage !== undefined) refuseInUrl(conduit);
  const { request } = conduit;
  const inCookies = cookie === undefined ? [] : cookiesNamed(cookie, request);
  const all = [inMessage, bearerOf(request.headers.authorization), ...inCookies].filter(
    (token) => token !== undefined,
  );
  if (new Set(all).size > 1) throw new TokenRefusal('invalid', 'two tokens came that differ');
  return all[0];
}

// Clients of Salesforce send the scheme OAuth.
function bearerOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? /^(?:Bearer|OAuth) +(\S+) *$/i.exec(header)?.[1] : undefined;
}

// A page on a neighbouring domain may have set a second cookie with the name (RFC 6265, 8.6).
function cookiesNamed(name: string, { headers, cookies }: RequestInfo): (string | undefined)[] {
  const { cookie = '' } = headers;
  const sent = typeof cookie === 'string' ? cookiePairs(cookie).filter(([other]) => other === name) : [];
  return [...sent.map(([, value]) => value), Object.hasOwn(cookies, name) ? cookies[name] : undefined];
}
