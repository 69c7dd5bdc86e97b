import type { Server } from './options.ts';
import { callbackPolling } from '../transports/callback-polling.ts';
import { eventSource } from '../transports/eventsource.ts';
import { type Handle, type HttpRequest, type HttpResponse, refuse } from '../transports/http.ts';
import { longPolling } from '../transports/long-polling.ts';
import { noteDisabled } from './disabled.ts';
import { allowOrigin, preflight, refusalOfOrigin, refusalOfSource } from './origins.ts';
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
    if (!isGet && method !== 'POST' && method !== 'OPTIONS') return refuseMethod(req, res, server);
    if (isGet && asksForWebSocket(req)) return refuseUpgrade(req, res, server);
    const isStream = isGet && req.headers.accept?.includes('text/event-stream') === true;
    const { origin } = req.headers;
    const why =
      origin !== undefined
        ? refusalOfOrigin(origin, req, server)
        : isGet
          ? refusalOfSource(req, server, isStream ? 'stream' : 'script')
          : undefined;
    if (why !== undefined) return refuse(res, 403, `Forbidden: ${why}`);
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
  return (_req, res) => refuse(res, 400, `Bad request: ${noteDisabled(name, server)}`);
}

function refuseMethod({ method = '' }: HttpRequest, res: HttpResponse, { refusals }: Server): void {
  const why = `${method} is none of GET, POST and OPTIONS`;
  refusals.note('request.refused', { cause: 'method', why, status: 405 });
  refuse(res, 405, `Method not allowed: ${why}`, allow);
}

function refuseUpgrade(req: HttpRequest, res: HttpResponse, server: Server): void {
  const mount = req.baseUrl ?? '';
  const path = mount === '' ? '/bayeux' : mount;
  const why = `no WebSocket is accepted here; write server.attachUpgrades(httpServer, { path: '${path}' })`;
  server.refusals.note('upgrade.not_attached', { mount, why });
  refuse(res, 400, `Bad request: ${why}`);
}
