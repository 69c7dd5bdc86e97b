import type { Log } from '../lib/log.ts';
import { type ResolvedOptions, withTransports } from '../server-options.ts';
import { hasKey } from '../features/auth/options.ts';
import type { ProgramOptions } from './options.ts';

/** The option by which others than this machine are meant to reach the server: by its address, by a name, or through a proxy. */
export function exposedBy(
  { host, allowedHosts }: ProgramOptions,
  { trustProxy }: ResolvedOptions,
): 'host' | 'allowedHosts' | 'trustProxy' | undefined {
  if (!isLoopback(host)) return 'host';
  if (allowedHosts.length > 0) return 'allowedHosts';
  return trustProxy === false ? undefined : 'trustProxy';
}

/** Whether everybody may do everything, for all that the configuration says. */
export function isOpen({ policy }: ProgramOptions, { auth }: ResolvedOptions): boolean {
  return policy === undefined && !hasKey(auth);
}

/** Why a server that is open to all is not served to others, and what to do. */
export const whyNotOpen =
  'lets others reach this server, where everybody may read and write every channel: say who may do what with --policy ./policy.js, or ' +
  'ask for tokens with auth.secretFile, auth.keyFile or auth.jwks.url (docs/authentication.md); --insecure serves it all the same';

function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Without JSONP: no page of the server's own origin needs it, and it is one way in less. */
export function withoutJsonp(options: ResolvedOptions): ResolvedOptions {
  return withTransports(
    options,
    options.transports.filter((name) => name !== 'callback-polling'),
  );
}

/** Says that there is no policy where others can reach the server. */
export function warnOfNoPolicy(log: Log): void {
  log({
    level: 'warn',
    event: 'policy.absent',
    why:
      'everybody who can reach this server can open sessions, subscribe to every channel, /** included, and publish to every ' +
      'channel; say who may do what with --policy ./policy.js',
  });
}
