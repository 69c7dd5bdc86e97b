/**
 * Metrics for Prometheus.
 *
 * @module bayeuxd/metrics
 */

import { collectDefaultMetrics, Registry } from 'prom-client';
import { checkServer } from '../http/arguments.ts';
import type { Middleware } from '../http/middleware.ts';
import type { Server } from '../http/options.ts';
import { checkNames } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import { commonHeaders, type HttpRequest, type HttpResponse, refuse } from '../transports/http.ts';
import { addCollectors } from './collectors.ts';
import { isLocal } from './local.ts';

/** The options of `metrics`. */
export interface MetricsOptions {
  /**
   * Who may read: programs on this machine (`local`, the default), `everybody` who can reach this, or requests for which a function
   * returns true.
   */
  readonly allow?: 'local' | 'everybody' | ((request: HttpRequest) => boolean);
}

const usage = "write app.use('/metrics', metrics(server))";

// Gauges whose names end as those of counters do. Node's other metrics have the same numbers.
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * Serves the metrics of a server, and those of the process that prom-client collects, as text for Prometheus. Nothing is measured
 * before the first request. Throws `UsageError` for wrong arguments.
 */
export function metrics(server: Server, options: MetricsOptions = {}): Middleware {
  checkServer(server, usage);
  const mayRead = readerCheck(server, options);
  let registry: Registry | undefined;
  return (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD')
      refuse(res, 405, 'Method not allowed: this takes GET', { Allow: 'GET, HEAD' });
    else if (mayRead(req)) {
      registry ??= registryOf(server);
      void answer(res, server, registry);
    } else
      refuse(
        res,
        403,
        'Forbidden: metrics(server, { allow }) says who may read this; without it, programs on this machine',
      );
  };
}

/**
 * Adds the metrics of a server to a registry of the application, which serves them itself. The event loop is measured from now on,
 * until the server is closed. Throws `UsageError` for wrong arguments.
 */
export function addMetrics(server: Server, registry: Registry): void {
  checkServer(server, 'write addMetrics(server, register)');
  if (typeof registry?.registerMetric !== 'function')
    throw new UsageError(
      `a registry of prom-client is needed, got ${shown(registry)}: write addMetrics(server, register)`,
    );
  addCollectors(server, registry);
}

function registryOf(server: Server): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  addCollectors(server, registry);
  return registry;
}

function readerCheck(server: Server, options: MetricsOptions): (request: HttpRequest) => boolean {
  checkNames(options, { what: 'the options of metrics', functions: [], others: ['allow'] });
  const { allow = 'local' } = options;
  if (allow === 'everybody') return () => true;
  if (allow === 'local') return (request) => isLocal(request, server.options.trustProxy);
  if (typeof allow === 'function') return (request) => allow(request) === true;
  throw new UsageError(`allow must be "local", "everybody" or a function, got ${shown(allow)}: ${usage}`);
}

async function answer(res: HttpResponse, server: Server, registry: Registry): Promise<void> {
  try {
    const text = await registry.metrics();
    const headers = { 'Content-Type': registry.contentType, 'Content-Length': Buffer.byteLength(text) };
    res.writeHead(200, { ...commonHeaders, ...headers });
    res.end(text);
  } catch (error) {
    server.log({ level: 'error', event: 'metrics.failed', error });
    refuse(res, 500, 'Server error');
  }
}
