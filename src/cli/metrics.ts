import { createServer, type Server as HttpServer } from 'node:http';
import express, { type Router } from 'express';
import { answerProblem } from '../http/api/answer-problem.ts';
import { KeyGuard } from '../http/api/key-guard.ts';
import { health, healthPaths } from '../http/health.ts';
import { refusalOfHost } from '../http/host-guard.ts';
import type { ApiKey } from '../http/api/key-ring.ts';
import { LiveKeys } from '../http/api/live-keys.ts';
import type { Middleware } from '../http/middleware.ts';
import { pathOf } from '../http/request-target.ts';
import { silent } from '../lib/log.ts';
import { ChannelGrammar } from '../protocol/channel.ts';
import type { Server } from '../server.ts';
import { type RequestHead, refuse } from '../transports/http.ts';
import { isLoopback } from './exposure.ts';
import type { ProgramOptions } from './options.ts';

/** The path of the metrics. */
const metricsPath = '/metrics';

const open = [...Object.values(healthPaths), metricsPath];

/** Whether a request is for a path that answers whatever host it names: these show nothing to a page, or ask for a key. */
export function answersAnyHost({ url = '' }: RequestHead): boolean {
  return open.includes(pathOf(url).split('?', 1)[0] ?? '');
}

/** `/metrics` for API keys with the right `read` on all channels. */
export function metricsRoute(server: Server, keys: () => readonly ApiKey[], serve: Middleware): Router {
  // The HTTP API has the same keys, and logs what is wrong with them.
  const live = new LiveKeys({ keys }, { log: silent }, new ChannelGrammar(server.options));
  const guard = new KeyGuard(server, () => live.ring);
  return express
    .Router()
    .use(metricsPath, guard.pass, (req, res, next) => {
      guard.callerOf(req).check('read', '/**');
      serve(req, res, next);
    })
    .use(metricsPath, answerProblem(server, guard));
}

/** The metrics; without prom-client, an answer that says what to install. */
export async function metricsOf(server: Server): Promise<Middleware> {
  try {
    const { metrics } = await import('../metrics/metrics.ts');
    return metrics(server, { allow: 'everybody' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    return (_req, res) =>
      refuse(res, 501, 'Not implemented: metrics need the package prom-client: npm install prom-client');
  }
}

/** Serves metrics and health checks to everybody who reaches it. To listen on `metrics.port`. */
export function metricsServer(server: Server, program: ProgramOptions, serve: Middleware): HttpServer {
  const check = health(server);
  // CO-6: on this machine a page could bind its own name to the address.
  const isGuarded = isLoopback(program.metrics.host);
  const refusalOf = (request: RequestHead) =>
    isGuarded ? refusalOfHost(request, program.allowedHosts, '"allowedHosts"', server.refusals) : undefined;
  return createServer((req, res) => {
    const why = refusalOf(req);
    if (why !== undefined) refuse(res, 403, `Forbidden: ${why}`);
    else if (pathOf(req.url ?? '').split('?', 1)[0] === metricsPath) serve(req, res);
    else check(req, res);
  });
}
