import type { RequestListener } from 'node:http';
import type { Middleware } from '../http/middleware.ts';
import { pathOf } from '../http/request-target.ts';

/**
 * Passes requests below the mount directly to Bayeux, and all others to the application. Express would take
 * longer per request than Bayeux itself. The application also serves `client.js` below the mount, which sites
 * written for Faye load.
 */
export function front(mount: string, serveBayeux: Middleware, app: RequestListener): RequestListener {
  const client = `${mount}/client.js`;
  return (request, response) => {
    const url = pathOf(request.url ?? '');
    const isForClient = url === client || url.startsWith(`${client}?`);
    if (isForClient) app(request, response);
    else serveBayeux(request, response, () => app(request, response));
  };
}
