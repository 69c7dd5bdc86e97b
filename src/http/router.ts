import type { Server } from './options.ts';
import { callbackPolling } from '../transports/callback-polling.ts';
import { eventSource } from '../transports/eventsource.ts';
import { type Handle, type HttpRequest, type HttpResponse, refuse } from '../transports/http.ts';
import { longPolling } from '../transports/long-polling.ts';
import { allowOrigin, isAllowed, isAllowedSource, preflight } from './origins.ts';
import { asksForWebSocket } from './pass-over.ts';

/**
 * Selects the answer to a request (HT-9). The first line that matches decides.
 *
 *   methods but GET, POST and OPTIONS                        405
 *   a WebSocket that no listener took                        400
 *   a page of an origin that may not use the server          403
 *   a GET for a script without the page that it is from      403
 *   OPTIONS                                                  200, the preflight
 *   anything while the server is closed                      503
 *   POST                                                     long-polling
 *   GET that accepts `text/event-stream`                     eventsource
 *   GET                                                      callback-polling
 *   one of these three where it is not enabled               400
 */
export function router(server: Server): Handle {
  const post = transport(server, 'long-polling', longPolling);
  const stream = transport(server, 'eventsource', eventSource);
  const script = transport(server, 'callback-polling', callbackPolling);

  return (req, res) => {
    const { method } = req;
    const isGet = method === 'GET';
    if (!isGet && method !== 'POST' && method !== 'OPTIONS')
      return refuse(res, 405, 'Method not allowed', allow);
    if (isGet && asksForWebSocket(req)) return refuseUpgrade(req, res, server);
    const isStream = isGet && req.headers.accept?.includes('text/event-stream') === true;
    const { origin } = req.headers;
    if (
      origin === undefined
        ? isGet && !isAllowedSource(req, server, isStream ? 'stream' : 'script')
        : !isAllowed(origin, req, server)
    )
      return refuse(res, 403, 'Forbidden');
    if (origin !== undefined) allowOrigin(origin, res);
    if (method === 'OPTIONS') return preflight(req, res, server);
    if (server.state === 'closed') return refuseClosed(res);
    if (!isGet) return post(req, res);
    return isStream ? stream(req, res) : script(req, res);
  };
}

// The connection must end: an open one would keep the HTTP server from closing.
function refuseClosed(res: HttpResponse): void {
  res.shouldKeepAlive = false;
  refuse(res, 503, 'Service unavailable');
}

const allow = { Allow: 'GET, POST, OPTIONS' };

type Name = 'long-polling' | 'eventsource' | 'callback-polling';

function transport(server: Server, name: Name, make: (server: Server) => Handle): Handle {
  if (server.options.transports.includes(name)) return make(server);
  return (_req, res) => refuse(res, 400, `Bad request: ${name} is not enabled`);
}

function refuseUpgrade(req: HttpRequest, res: HttpResponse, server: Server): void {
  server.log({ level: 'warn', event: 'upgrade.not_attached', mount: req.baseUrl ?? '' });
  refuse(res, 400, 'Bad request: WebSocket is not served here');
}
