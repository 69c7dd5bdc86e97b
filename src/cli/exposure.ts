import type { Log } from '../lib/log.ts';
import { type ResolvedOptions, withTransports } from '../server-options.ts';
import type { ProgramOptions } from './options.ts';

/** Whether others than this machine are meant to reach the server: by its address, by a name, or through a proxy. */
export function isExposed({ host, allowedHosts }: ProgramOptions, { trustProxy }: ResolvedOptions): boolean {
  return !isLoopback(host) || allowedHosts.length > 0 || trustProxy !== false;
}

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
