import { randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import type { AuthOptions } from '../features/auth/options.ts';
import { hasKey } from '../features/auth/options.ts';
import { KeysUnavailable, TokenRefusal } from '../features/auth/refusal.ts';
import { rights } from '../features/auth/rights.ts';
import { secretOf } from '../features/auth/static-keys.ts';
import { TokenGrants } from '../features/auth/token-grants.ts';
import { Verifier } from '../features/auth/verifier.ts';
import type { Clock } from '../lib/clock.ts';
import { printable } from '../lib/printable.ts';
import { ChannelGrammar } from '../protocol/channel.ts';
import { checkAuth } from './access.ts';
import { ArgumentError, ClientError } from './client-error.ts';
import { countOf } from './client-options.ts';
import type { Config } from './config.ts';

/** The flags as they were written. */
export type TokenFlags = {
  readonly sub?: string;
  readonly ttl?: string;
  readonly claim?: readonly string[];
  readonly verify?: string;
} & { readonly [Right in (typeof rights)[number]]?: readonly string[] };

export interface TokenSurroundings {
  readonly clock: Clock;
  print(line: string): void;
  say(line: string): void;
}

type Checked = Pick<Config, 'server' | 'places'>;

/** Default lifetime of a token. Seconds. */
const TTL = '3600';

/** `bayeuxd token`: prints a new token, or the claims of a given one. Throws `ClientError` for a token that is refused. */
export async function token(flags: TokenFlags, config: Checked, around: TokenSurroundings): Promise<void> {
  checkAuth(config);
  if (flags.verify === undefined) await mint(flags, config.server, around);
  else await verify(flags.verify.trim(), config.server, around);
}

async function mint(flags: TokenFlags, server: Config['server'], around: TokenSurroundings): Promise<void> {
  const { auth } = server;
  if (flags.sub === undefined || flags.sub === '')
    throw new ArgumentError('a token is for somebody: bayeuxd token --sub ann');
  const ttl = countOf('--ttl', flags.ttl ?? TTL, 1);
  if (auth.maxLifetime > 0 && ttl * 1000 > auth.maxLifetime)
    throw new ArgumentError(`--ttl must be at most ${auth.maxLifetime / 1000}, which is auth.maxLifetime`);
  const secret = secretFor(auth, around);
  const claims = claimsOf(flags, auth);
  const now = Math.floor(around.clock.now() / 1000);
  const made = await new SignJWT({ ...claims, sub: flags.sub, iat: now, exp: now + ttl })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret));
  // A server refuses a token with invalid grants.
  readGrants(claims[auth.grantsClaim], flags.sub, server);
  around.print(made);
}

function secretFor(auth: AuthOptions, { say }: TokenSurroundings): string {
  const secret = secretOf(auth);
  if (secret !== undefined) return secret;
  if (hasKey(auth))
    throw new ClientError(
      'the configuration has public keys alone: only the owner of the private key can make such tokens; set auth.secret to make them here',
    );
  const made = randomBytes(32).toString('base64url');
  say(`a secret for this token was made; start the server with BAYEUXD_AUTH_SECRET=${made}`);
  return made;
}

function claimsOf(flags: TokenFlags, auth: AuthOptions): Record<string, unknown> {
  const granted = rights.flatMap((right) => (flags[right] === undefined ? [] : [[right, flags[right]]]));
  const [iss] = auth.issuer;
  const [aud] = auth.audience;
  return {
    ...(iss !== undefined && { iss }),
    ...(aud !== undefined && { aud }),
    ...(granted.length > 0 && { [auth.grantsClaim]: Object.fromEntries(granted) }),
    ...Object.fromEntries((flags.claim ?? []).map(claimOf)),
  };
}

function claimOf(text: string): [name: string, value: unknown] {
  const [, name = '', json = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === '') throw new ArgumentError(`--claim must be like team=blue or roles=["a"], got "${text}"`);
  try {
    return [name, JSON.parse(json)];
  } catch {
    return [name, json]; // No JSON: a text without quotes.
  }
}

function readGrants(claim: unknown, sub: string, server: Config['server']): void {
  try {
    TokenGrants.of(claim, sub, new ChannelGrammar(server));
  } catch (error) {
    if (error instanceof TokenRefusal) throw new ArgumentError(`a server would refuse it: ${error.why}`);
    throw error;
  }
}

async function verify(
  text: string,
  server: Config['server'],
  { clock, print, say }: TokenSurroundings,
): Promise<void> {
  const { auth } = server;
  if (!hasKey(auth))
    throw new ArgumentError(
      'no key to check it with: give --config, or --auth-secret-file, --auth-key-file or --auth-jwks-url',
    );
  for (const line of contentOf(text, clock.now())) print(line);
  const log = ({ error }: { readonly error?: unknown }) =>
    void (error instanceof Error && say(`${auth.jwks.url} gives no keys: ${error.message}`));
  try {
    const { sub, granted } = await new Verifier(auth, clock, log).verify(text);
    TokenGrants.of(granted, sub, new ChannelGrammar(server));
  } catch (error) {
    if (error instanceof TokenRefusal || error instanceof KeysUnavailable)
      throw new ClientError(`refused: ${error.message}${askedFor(error.message, auth)}`);
    throw error;
  }
  print('good');
}

/** The options that the reason is about. */
function askedFor(why: string, { issuer, audience, algorithms, maxLifetime }: AuthOptions): string {
  if (why.startsWith('its iss')) return ` (auth.issuer: ${issuer.join(', ')})`;
  if (why.startsWith('its aud')) return ` (auth.audience: ${audience.join(', ')})`;
  if (why.startsWith('its algorithm')) return ` (${algorithms?.join(', ') ?? 'unset'})`;
  return why.includes('auth.maxLifetime') ? ` (${maxLifetime / 1000} s)` : '';
}

/** The header and claims of a token, unverified. */
function contentOf(text: string, now: number): readonly string[] {
  try {
    const { alg, kid } = decodeProtectedHeader(text);
    const all = Object.entries({ alg, kid, ...decodeJwt(text) });
    return all.filter(([, value]) => value !== undefined).map(([name, value]) => lineOf(name, value, now));
  } catch {
    return [];
  }
}

const times = ['iat', 'nbf', 'exp'];

function lineOf(name: string, value: unknown, now: number): string {
  const shown = printable(`${name.padEnd(8)} ${JSON.stringify(value)}`);
  if (!times.includes(name) || typeof value !== 'number' || Math.abs(value) > 8e12) return shown;
  const from = Math.round(value - now / 1000);
  return `${shown} (${new Date(value * 1000).toISOString()}, ${from < 0 ? `${-from} s ago` : `in ${from} s`})`;
}
