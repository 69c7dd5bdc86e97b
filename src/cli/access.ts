import { hasKey } from '../features/auth/options.ts';
import { rights } from '../features/auth/rights.ts';
import { staticKeys } from '../features/auth/static-keys.ts';
import type { ApiKey } from '../http/api/key-ring.ts';
import type { Log } from '../lib/log.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { isOpen } from './exposure.ts';

/**
 * Reads the keys that verify tokens; logs files that others may misuse, if there is a log. Throws `ConfigError` for a file
 * without a usable key.
 */
export function checkAuth({ server: { auth }, places }: Pick<Config, 'server' | 'places'>, log?: Log): void {
  try {
    staticKeys(auth, log);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const key = error.message.startsWith('auth.secretFile') ? 'auth.secretFile' : 'auth.keyFile';
    const place = places.get(key) ?? 'configuration';
    throw new ConfigError([{ key, place, message: error.message }], { cause: error });
  }
}

const deeds = {
  subscribe: 'subscribe to',
  publish: 'publish to',
  call: 'call',
  history: 'read the history of',
} as const;

/** Who may do what, in words. */
export function accessOf({ program, server, isPublic }: Config, keys: readonly ApiKey[]): readonly string[] {
  const { policy } = program;
  const where = isPublic ? 'who can reach the server' : 'on this machine';
  return [
    ...(isOpen(program, server) ? [`Everybody ${where} may read and write every channel.`] : []),
    ...(hasKey(server.auth) ? byToken(server) : []),
    ...(policy === undefined
      ? []
      : [`The policy in ${policy} is asked about each message, and may refuse it.`]),
    ...(server.unconnectedPublish === 'allow' ? ['A publish needs no session.'] : []),
    ...(keys.length === 0 ? ['The HTTP API is closed: it has no key.'] : keys.map(byKey)),
  ];
}

function byKey({ name, rights, channels = [] }: ApiKey): string {
  if (rights.includes('admin')) return `The API key "${name}" allows everything in the HTTP API.`;
  const deeds = rights.map((right) => (right === 'publish' ? 'publishing to' : 'reading'));
  return `The API key "${name}" allows ${deeds.join(' and ')} ${channels.join(', ')}.`;
}

function byToken({ auth, channels }: Config['server']): readonly string[] {
  const source = auth.jwks.url ?? auth.keyFile ?? auth.secretFile;
  const signed = source === undefined ? 'signed with the secret' : `signed with a key of ${source}`;
  const others = auth.anonymous ? 'Everybody may open a session.' : 'Nobody else may open a session.';
  const claim = `A token grants more by its claim ${JSON.stringify(auth.grantsClaim)}; all else is refused.`;
  return [`Users have a token ${signed}. ${others}`, ...byRules(channels), claim];
}

function byRules(channels: Config['server']['channels']): readonly string[] {
  const rules = Object.entries(channels);
  return rights.flatMap((right) => {
    const by = (grantee: string) => rules.filter(([, { grants }]) => grants?.[right] === grantee);
    return (['everybody', 'users', 'nobody'] as const).flatMap((grantee) => {
      const patterns = by(grantee).map(([pattern]) => pattern);
      if (patterns.length === 0) return [];
      const who = { everybody: 'Everybody', users: 'Users', nobody: 'Nobody' }[grantee];
      return [`${who} may ${deeds[right]} ${patterns.join(', ')}.`];
    });
  });
}
