import type { Log } from '../lib/log.ts';
import { type ResolvedOptions, withTransports } from '../server-options.ts';
import type { ProgramOptions } from './options.ts';

/** Whether other machines should reach the server: by its address, by a host name, or through a proxy. */
export function isExposed({ host, allowedHosts }: ProgramOptions, { trustProxy }: ResolvedOptions): boolean {
  return !isLoopback(host) || allowedHosts.length > 0 || trustProxy !== false;
}

function isLoopback(host: string): boolean {
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
