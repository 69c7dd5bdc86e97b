import { commonHeaders, type HttpResponse, refuse } from '../transports/http.ts';
import { checkServer } from './arguments.ts';
import type { Middleware } from './middleware.ts';
import type { Server } from './options.ts';
import { pathOf } from './request-target.ts';

/** The paths of the health checks, below the mount. */
export const healthPaths = { alive: '/healthz', ready: '/readyz' } as const;

/**
 * Health checks for load balancers and Kubernetes, as JSON. `/healthz`: 200 while the process answers at all. `/readyz`: 200, or 503
 * with the reason while new clients should not come here. All other paths go to `next`, or get 404. Throws `UsageError` when this is
 * no server.
 */
export function health(server: Server): Middleware {
  checkServer(server, 'write app.use(health(server))');
  return (req, res, next) => {
    const path = pathOf(req.url ?? '').split('?', 1)[0];
    if (path !== healthPaths.alive && path !== healthPaths.ready) {
      if (next === undefined)
        refuse(res, 404, `Not found: this has ${Object.values(healthPaths).join(' and ')}`);
      else next();
    } else if (req.method !== 'GET' && req.method !== 'HEAD')
      refuse(res, 405, 'Method not allowed: this takes GET', { Allow: 'GET, HEAD' });
    else if (path === healthPaths.alive) answer(res, 200, { status: 'alive' });
    else answerReady(res, server);
  };
}

function answerReady(res: HttpResponse, { readiness }: Server): void {
  if (readiness.ready) answer(res, 200, { status: 'ready' });
  else answer(res, 503, { status: readiness.reason, why: readiness.why });
}

function answer(res: HttpResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
  res.writeHead(status, { ...commonHeaders, ...headers });
  res.end(text);
}
