import { SignJWT } from 'jose';

const HOUR = 3600;

/** Channels of the honest clients, by `channelName`. */
export const HONEST = '/bench/*';
/** Channels that the hostile users may use. */
export const NOISE = '/noise/**';

/**
 * A token of HS256.
 *
 * @param {string} secret
 * @param {string} sub
 * @param {string} pattern Channels that it grants.
 * @param {number} [ttl] Seconds.
 */
export function tokenOf(secret, sub, pattern, ttl = 12 * HOUR) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub, iat: now, exp: now + ttl, bayeux: { subscribe: [pattern], publish: [pattern] } })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}
