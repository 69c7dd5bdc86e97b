import { randomHex } from '../lib/random-hex.ts';
import type { TransportOptions } from './options.ts';
import type { RequestHead } from './http.ts';
import { cookieOf } from './request-info.ts';

const legalId = /^[A-Za-z0-9]{8,64}$/;

/** The browser id that a request sent, if this server may have set it (CK-1). */
export function browserOf(
  req: Pick<RequestHead, 'headers'>,
  { browserCookie }: TransportOptions,
): string | undefined {
  const header = req.headers.cookie;
  if (browserCookie === false || header === undefined) return undefined;
  const id = cookieOf(header, browserCookie.name);
  return id !== undefined && legalId.test(id) ? id : undefined;
}

/** A new id: 160 random bits. */
export function newBrowser(): string {
  return randomHex(20);
}

/** The `Set-Cookie` that gives a browser its id; undefined if browsers are not counted. */
export function browserCookie(id: string, secure: boolean, options: TransportOptions): string | undefined {
  const cookie = options.browserCookie;
  if (cookie === false) return undefined;
  const sameSite =
    cookie.sameSite === 'auto' ? (options.origins === 'same' ? 'Lax' : 'omit') : cookie.sameSite;
  const parts = [
    `${cookie.name}=${id}`,
    `Path=${cookie.path}`,
    cookie.domain !== undefined && `Domain=${cookie.domain}`,
    cookie.maxAge >= 0 && `Max-Age=${cookie.maxAge}`,
    cookie.httpOnly && 'HttpOnly',
    (cookie.secure === 'auto' ? secure : cookie.secure) && 'Secure',
    sameSite !== 'omit' && `SameSite=${sameSite}`,
    cookie.partitioned && 'Partitioned',
  ];
  return parts.filter((part) => part !== false).join('; ');
}
