import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Log } from '../lib/log.ts';
import { notFoundText } from '../http/not-found.ts';
import type { Server } from '../server.ts';
import { refuse } from '../transports/http.ts';

/** Answers requests that no other handler took with 404 and the path of Bayeux. */
export function notFound(server: Server, path: string): RequestHandler {
  return (request, response) => refuse(response, 404, notFoundText(request, [path], server.refusals));
}

/** Answers a failed request with its status. The error itself is only logged. */
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
