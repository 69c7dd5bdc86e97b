import type { TransportName } from '../ports/conduit.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Server } from './options.ts';
import { BatchError } from '../protocol/errors.ts';
import { HttpError, type HttpRequest, type HttpResponse, reasonIn, refuse } from './http.ts';
import { type Format, HttpExchange } from './http-exchange.ts';
import { addressOf } from './request-info.ts';

/** What a polling transport makes of a request: the batch as one JSON text, or several whose messages are taken one after another. */
export type Texts = string | readonly string[];

/** What the polling transports share: hands a batch to the server, and has it answered. Throws `BatchError`. */
export function receive(
  server: Server,
  transport: TransportName,
  texts: Texts,
  { req, res, format }: { readonly req: HttpRequest; readonly res: HttpResponse; readonly format: Format },
): MaybePromise<void> {
  const requests = server.decode(texts);
  // HT-9: an empty batch is answered by a status, since there is no message to reply to.
  if (requests.length === 0) throw new BatchError('malformed', 'the batch has no message');
  const exchange = new HttpExchange(server, transport, req, res, format);
  const received = server.receive(requests, exchange);
  exchange.received();
  return received;
}

/** Says by a status why there is no batch. What is nobody's fault but ours is logged. */
export function turnAway(error: unknown, req: HttpRequest, res: HttpResponse, server: Server): void {
  if (error instanceof HttpError) {
    if (!error.quiet) noteTurnedAway(error.status, error, reasonIn(error.message), req, server);
    // What still comes of the body is read and thrown away; closed at once, the connection would lose the answer.
    if (error.status === 413 || error.status === 503) res.shouldKeepAlive = true;
    refuse(res, error.status, error.message);
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
