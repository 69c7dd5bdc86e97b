import { Refusals } from '../core/refusals.ts';
import { systemClock } from '../lib/clock.ts';
import { consoleLog } from '../lib/console-log.ts';
import { printable } from '../lib/printable.ts';
import { type RequestHead, type HttpResponse, refuse } from '../transports/http.ts';
import { hostOf } from '../transports/request-info.ts';

const local = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests for unknown host names (CO-6). Otherwise a page could bind its own name to this address after it was
 * loaded, and count as same-origin. `allowedHosts` are names without a port. Refusals are written to the console.
 */
export function hostGuard(
  allowedHosts: readonly string[] = [],
): (req: RequestHead, res: HttpResponse, next: () => void) => void {
  const refusals = new Refusals(systemClock, consoleLog);
  return (req, res, next) => {
    const why = refusalOfHost(req, allowedHosts, 'the names given to hostGuard', refusals);
    if (why === undefined) next();
    else refuse(res, 403, `Forbidden: ${why}`);
  };
}

/**
 * In words, why a request is not answered: it is neither for this machine nor for one of these names. A refusal is logged; `list` is
 * where they are listed.
 */
export function refusalOfHost(
  req: RequestHead,
  allowedHosts: readonly string[],
  list: string,
  refusals: Pick<Refusals, 'note'>,
): string | undefined {
  const name = hostOf(req, false).replace(/:\d*$/, '').toLowerCase();
  if (local.includes(name) || allowedHosts.some((host) => host.toLowerCase() === name)) return undefined;
  const host = printable(name.slice(0, 255));
  const why = host === '' ? 'the request names no host' : `host ${host} is not allowed; add it to ${list}`;
  refusals.note('host.refused', { option: 'allowedHosts', host, why });
  return why;
}
