import { BatchError, NoRoomError } from '../protocol/errors.ts';
import { comeAgain, HttpError, type HttpRequest, type HttpResponse, reasonIn, refuse } from './http.ts';
import type { Server } from './options.ts';
import { addressOf } from './request-info.ts';

/** Answers with a status if there is no batch. A refusal is logged as one, and a fault of the server as an error. */
export function turnAway(error: unknown, req: HttpRequest, res: HttpResponse, server: Server): void {
  if (error instanceof HttpError) {
    if (!error.quiet) noteTurnedAway(error.status, error, reasonIn(error.message), req, server);
    // The rest of the body is still read and discarded. If the connection closed at once, the answer would be lost.
    if (error.status === 413 || error.status === 503) res.shouldKeepAlive = true;
    if (error.isLast) res.shouldKeepAlive = false;
    refuse(res, error.status, error.message, error.status === 503 ? comeAgain() : {});
  } else if (error instanceof NoRoomError) {
    refuse(res, 503, `Service unavailable: ${error.message}`, comeAgain(error.retryAfter));
  } else if (error instanceof BatchError) {
    const status = error.fault === 'too_large' ? 413 : 400;
    noteTurnedAway(status, error, error.message, req, server);
    refuse(res, status, `${status === 413 ? 'Request too large' : 'Bad request'}: ${error.message}`);
  } else {
    server.log({ level: 'error', event: 'http.failed', error });
    refuse(res, 500, 'Server error');
  }
}

function noteTurnedAway(
  status: number,
  { option, message: cause }: HttpError | BatchError,
  why: string,
  req: HttpRequest,
  { options, refusals }: Server,
): void {
  const address = addressOf(req, options.trustProxy);
  refusals.note('request.refused', { ...(option !== undefined && { option }), cause, why, status, address });
}
