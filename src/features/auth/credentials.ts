import type { Conduit } from '../../ports/conduit.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { TokenRefusal } from './refusal.ts';

/** The token in `ext.auth` of a message, if there is one. */
export function tokenIn(ext: JsonObject | undefined): string | undefined {
  const auth = ext?.auth;
  return isObject(auth) && typeof auth.token === 'string' ? auth.token : undefined;
}

/** AU-1. Throws `TokenRefusal` where a token in a message came by a URL, which proxies and servers log. */
export function refuseInUrl({ transport }: Conduit): void {
  if (transport === 'callback-polling')
    throw new TokenRefusal('missing', 'it came by callback-polling, whose URLs are logged');
}

/**
 * The token that a message or its HTTP request carries: in `ext`, in `Authorization`, or in the cookie of this name. Throws
 * `TokenRefusal` where several came that differ.
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
  const all = [inMessage, bearerOf(headers.authorization), inCookie].filter((one) => one !== undefined);
  if (new Set(all).size > 1) throw new TokenRefusal('invalid', 'two tokens came that differ');
  return all[0];
}

// Salesforce's clients say OAuth.
function bearerOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? /^(?:Bearer|OAuth) +(\S+) *$/i.exec(header)?.[1] : undefined;
}
