import type { Server } from './options.ts';
import { type HttpRequest, type HttpResponse, refuse } from '../transports/http.ts';
import { checkOptions, checkPath, checkServer } from './arguments.ts';
import { noteMount } from './mounts.ts';
import { notFoundText } from './not-found.ts';
import { pathOf } from './request-target.ts';
import { router } from './router.ts';

/** A request handler for Express, for a bare `http` or `http2` server, or for the raw objects of other frameworks. */
export type Middleware = (req: HttpRequest, res: HttpResponse, next?: (error?: unknown) => void) => void;

/** Where the handler is mounted, unless a framework removes the mount from the URL. */
export interface MiddlewareOptions {
  /** Requests for other paths go to `next`, or get 404. Without a path the handler serves every request. */
  readonly path?: string;
}

const usage = "write bayeux(server, { path: '/bayeux' })";

/**
 * Serves Bayeux over HTTP on the mount and everything below it (HT-1). Throws `UsageError` when WebSockets
 * are accepted on another path. If only the first request shows the mount, that request throws.
 */
export function bayeux(server: Server, options: MiddlewareOptions = {}): Middleware {
  checkServer(server, "write app.use('/bayeux', bayeux(new Server()))");
  checkOptions(options, usage);
  const { path } = options;
  if (path !== undefined) checkPath(path, usage);
  const handle = router(server);
  let mount = path;
  if (path !== undefined) noteMount(server, path);
  return (req, res, next) => {
    if (path !== undefined && !isBelow(path, pathOf(req.url ?? ''))) {
      if (next === undefined) refuse(res, 404, notFoundText(req, [path], server.refusals));
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
