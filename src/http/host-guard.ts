import { type RequestHead, type HttpResponse, refuse } from '../transports/http.ts';
import { hostOf } from '../transports/request-info.ts';

const local = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests for unknown host names (CO-6). Otherwise a page could bind its own name to this address
 * after it was loaded, and count as same-origin. `allowedHosts` are names without a port.
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
