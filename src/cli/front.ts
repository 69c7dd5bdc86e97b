import type { RequestListener } from 'node:http';
import type { Middleware } from '../http/middleware.ts';
import { pathOf } from '../http/request-target.ts';

/**
 * Takes requests below the mount straight to Bayeux and the rest to the application: Express in between would cost a
 * request more than all that Bayeux does with it. The client that Faye's sites load from the mount is the application's.
 */
export function front(mount: string, serveBayeux: Middleware, app: RequestListener): RequestListener {
  const client = `${mount}/client.js`;
  return (request, response) => {
    const url = pathOf(request.url ?? '');
    const isClient = url === client || url.startsWith(`${client}?`);
    if (isClient) app(request, response);
    else serveBayeux(request, response, () => app(request, response));
  };
}
