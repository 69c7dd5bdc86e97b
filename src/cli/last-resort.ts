import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Log } from '../lib/log.ts';
import { notFoundText } from '../http/not-found.ts';
import type { Server } from '../server.ts';
import { refuse } from '../transports/http.ts';

/** Answers what nobody else has, and says where Bayeux is. */
export function notFound(server: Server, path: string): RequestHandler {
  return (request, response) => refuse(response, 404, notFoundText(request, [path], server.refusals));
}

/** Answers a failure with its status and nothing of what it was, which only the log says. */
export function failed(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const status = statusOf(error);
    if (status >= 500) log({ level: 'error', event: 'http.failed', error });
    if (response.headersSent) response.destroy();
    else refuse(response, status, status < 500 ? 'Bad request' : 'Internal error');
  };
}

function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}
