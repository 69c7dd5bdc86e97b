import type { Conduit } from '../../ports/conduit.ts';
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
  const { headers, cookies } = conduit.request;
  const inCookie = cookie !== undefined && Object.hasOwn(cookies, cookie) ? cookies[cookie] : undefined;
  const all = [inMessage, bearerOf(headers.authorization), inCookie].filter((token) => token !== undefined);
  if (new Set(all).size > 1) throw new TokenRefusal('invalid', 'two tokens came that differ');
  return all[0];
}

// Clients of Salesforce send the scheme OAuth.
function bearerOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? /^(?:Bearer|OAuth) +(\S+) *$/i.exec(header)?.[1] : undefined;
}
