import type { Middleware } from '../http/middleware.ts';
import type { Log } from '../lib/log.ts';
import type { Extension } from '../ports/session.ts';
import { ConfigError } from './config-error.ts';
import type { ProgramOptions } from './options.ts';

/** What traces publishes: an extension of the server, and a handler in front of the HTTP API. */
export interface Tracing {
  readonly extension: Extension;
  readonly continueTrace: Middleware;
}

/** Undefined unless the option `tracing` is on. Throws `ConfigError` if @opentelemetry/api is not installed. */
export async function tracingOf(options: ProgramOptions['tracing'], log: Log): Promise<Tracing | undefined> {
  if (options === false) return undefined;
  const { continueTrace, hasSdk, tracing } = await import('../tracing/tracing.ts').catch(notInstalled);
  if (!hasSdk())
    log({
      level: 'warn',
      event: 'tracing.no_sdk',
      option: 'tracing',
      why: 'no OpenTelemetry SDK is registered, so spans go nowhere: register one in a file, and start with NODE_OPTIONS=--import=./otel.mjs',
    });
  return { extension: tracing(options), continueTrace: continueTrace() };
}

function notInstalled(cause: unknown): never {
  if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
  const message = 'tracing needs the package @opentelemetry/api: npm install @opentelemetry/api';
  throw new ConfigError([{ key: 'tracing', place: 'configuration', message }], { cause });
}
