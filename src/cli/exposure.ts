import type { Log } from '../lib/log.ts';
import { type ResolvedOptions, withTransports } from '../server-options.ts';
import { hasKey } from '../features/auth/options.ts';
import type { ProgramOptions } from './options.ts';

/** The option that lets other machines reach the server: by its address, by a host name, or through a proxy. */
export function exposedBy(
  { host, allowedHosts }: ProgramOptions,
  { trustProxy }: ResolvedOptions,
): 'host' | 'allowedHosts' | 'trustProxy' | undefined {
  if (!isLoopback(host)) return 'host';
  if (allowedHosts.length > 0) return 'allowedHosts';
  return trustProxy === false ? undefined : 'trustProxy';
}

/** Whether the configuration lets everybody do everything: it has neither a policy nor a key for tokens. */
export function isOpen({ policy }: ProgramOptions, { auth }: ResolvedOptions): boolean {
  return policy === undefined && !hasKey(auth);
}

/** Whether there is a key of the HTTP API, or one that verifies tokens: something to sign in with. */
export function hasSignIn(
  { apiKey, apiKeyFile, apiKeys, apiKeysFile }: ProgramOptions,
  { auth }: ResolvedOptions,
): boolean {
  const given = apiKey ?? apiKeyFile ?? apiKeysFile;
  return given !== undefined || Object.keys(apiKeys).length > 0 || hasKey(auth);
}

/** The end of the error for a server that is open to everybody on other machines. */
export const whyNotOpen =
  'lets others reach this server, where everybody may read and write every channel: say who may do what with --policy ./policy.js, or ' +
  'ask for tokens with auth.secretFile, auth.keyFile or auth.jwks.url (docs/authentication.md); --insecure serves it all the same';

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Turns JSONP off: pages of the server's own origin do not need it, and other pages could use it. */
export function withoutJsonp(options: ResolvedOptions): ResolvedOptions {
  return withTransports(
    options,
    options.transports.filter((name) => name !== 'callback-polling'),
  );
}

/** Warns that other machines can reach a server without a policy. */
export function warnOfNoPolicy(log: Log): void {
  log({
    level: 'warn',
    event: 'policy.absent',
    why:
      'everybody who can reach this server can open sessions, subscribe to every channel, /** included, and publish to every ' +
      'channel; say who may do what with --policy ./policy.js',
  });
}
