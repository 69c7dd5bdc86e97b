import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import type { ServerSettings } from '../../src/index.ts';
import type { Started } from '../support/start.ts';

const secret = 'a secret of at least thirty-two bytes';

/** Settings of a server that knows its users by a token in the cookie `jwt`, or in a message. */
export const byToken = {
  auth: { secret, cookie: 'jwt' },
  authByCookie: true,
} as const satisfies ServerSettings;

/** A token that lives 600 s, and grants every channel. */
export function tokenOf({ clock }: Pick<Started, 'clock'>, sub = 'ann'): Promise<string> {
  const now = Math.floor(clock.now() / 1000);
  const all = { subscribe: ['/**'], publish: ['/**'], call: ['/**'], history: ['/**'] };
  return new SignJWT({ sub, iat: now, exp: now + 600, bayeux: all })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

/** A token of these two parts, whatever they hold, with the right signature of HS256. */
export function signed(header: string, claims = ''): string {
  const text = `${header}.${claims}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
