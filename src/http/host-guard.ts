import { type RequestHead, type HttpResponse, refuse } from '../transports/http.ts';
import { hostOf } from '../transports/request-info.ts';

const local = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests for a name that is not ours: a page whose name was bound to this address after it was loaded counts as
 * same-origin to its browser (CO-6). Names stand without a port.
 */
export function hostGuard(
  allowedHosts: readonly string[] = [],
): (req: RequestHead, res: HttpResponse, next: () => void) => void {
  return (req, res, next) => {
    if (isAllowedHost(req, allowedHosts)) next();
    else refuse(res, 403, 'Forbidden: unknown host');
  };
}

/** Whether the request is for this machine, or for one of these names. */
export function isAllowedHost(req: RequestHead, allowedHosts: readonly string[]): boolean {
  const name = hostOf(req, false).replace(/:\d*$/, '').toLowerCase();
  return local.includes(name) || allowedHosts.some((host) => host.toLowerCase() === name);
}
