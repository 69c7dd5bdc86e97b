import type { Server } from '../core/server.ts';
import { callbackPolling } from '../transports/callback-polling.ts';
import { eventSource } from '../transports/eventsource.ts';
import { type Handle, type HttpRequest, type HttpResponse, refuse } from '../transports/http.ts';
import { longPolling } from '../transports/long-polling.ts';
import { noteMount } from './mounts.ts';
import { allowOrigin, isAllowedOrigin, isAllowedSource, preflight } from './origins.ts';
import { asksForWebSocket } from './pass-over.ts';
import { pathOf } from './request-target.ts';

/** A request handler for Express, for a bare `http` or `http2` server, or for the raw objects of other frameworks. */
export type Middleware = (req: HttpRequest, res: HttpResponse, next?: (error?: unknown) => void) => void;

/** Where the handler is mounted, when nothing in front of it cuts the mount off. */
export interface MiddlewareOptions {
  /** Requests elsewhere go on to `next`, or get 404. Without it every request is for the server. */
  readonly path?: string;
}

/**
 * Serves Bayeux by HTTP on the mount and everything below it (HT-1). Throws `UsageError` when WebSockets are accepted on
 * another path; where only the first request tells the mount, that request fails with it.
 */
export function bayeux(server: Server, { path }: MiddlewareOptions = {}): Middleware {
  const handle = router(server);
  let mount = path;
  if (path !== undefined) noteMount(server, path);
  return (req, res, next) => {
    if (path !== undefined && !isBelow(path, pathOf(req.url ?? ''))) {
      if (next === undefined) refuse(res, 404, 'Not found');
      else next();
      return;
    }
    if (mount === undefined && req.baseUrl !== undefined) {
      noteMount(server, req.baseUrl);
      mount = req.baseUrl;
    }
    void handle(req, res);
  };
}

// HT-3: `/bayeuxx` is not below `/bayeux`.
function isBelow(mount: string, url: string): boolean {
  if (!url.startsWith(mount)) return false;
  const next = url[mount.length];
  return next === undefined || next === '/' || next === '?' || mount.endsWith('/');
}

/**
 * Who answers which request (HT-9); the first line that fits decides.
 *
 *   methods but GET, POST and OPTIONS                        405
 *   a WebSocket that nobody took                             400
 *   a page of an origin that may not use the server          403
 *   a GET for a script that does not say from which page     403
 *   OPTIONS                                                  200, the preflight
 *   anything while the server is closed                      503
 *   POST                                                     long-polling
 *   GET that accepts `text/event-stream`                     eventsource
 *   GET                                                      callback-polling
 *   one of these three where it is not enabled               400
 */
function router(server: Server): Handle {
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
    const allowed = isGet
      ? isAllowedSource(req, server, isStream ? 'stream' : 'script')
      : isAllowedOrigin(req, server);
    if (!allowed) return refuse(res, 403, 'Forbidden');
    allowOrigin(req, res);
    if (method === 'OPTIONS') return preflight(req, res, server);
    if (server.state === 'closed') return refuseClosed(res);
    if (!isGet) return post(req, res);
    return isStream ? stream(req, res) : script(req, res);
  };
}

// Nobody is to come again on this connection: it would keep the HTTP server from closing.
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
