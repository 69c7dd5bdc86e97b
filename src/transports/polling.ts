import type { TransportName } from '../ports/conduit.ts';
import { andThen, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { Server } from './options.ts';
import { BatchError } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';
import { HttpError, type HttpRequest, type Handle, type HttpResponse, refuse } from './http.ts';
import { type Dress, HttpExchange } from './http-exchange.ts';

/** Where the batch of a polling transport stands in a request, and how the answer is written. Both may throw `HttpError`. */
export interface PollingShape {
  readonly transport: TransportName;
  /** One JSON text, or several whose messages are taken one after another. */
  read(req: HttpRequest): MaybePromise<string | readonly string[]>;
  dress(req: HttpRequest): Dress;
}

/** What the polling transports share: a batch in, a batch out, and a status when there is no batch. */
export function polling(server: Server, shape: PollingShape): Handle {
  return (req, res) =>
    recover(
      () => andThen(shape.read(req), (texts) => take(server, shape, texts, req, res)),
      (error) => turnAway(error, res, server),
    );
}

function take(
  server: Server,
  shape: PollingShape,
  texts: string | readonly string[],
  req: HttpRequest,
  res: HttpResponse,
): MaybePromise<void> {
  const requests = decode(server, texts);
  const exchange = new HttpExchange(server, shape.transport, req, res, shape.dress(req));
  const received = server.receive(requests, exchange);
  exchange.received();
  return received;
}

// HT-9: an empty batch is answered by a status, since there is no message to reply to.
function decode(server: Server, texts: string | readonly string[]): Request[] {
  const requests = server.decode(texts);
  if (requests.length === 0) throw new BatchError('malformed');
  return requests;
}

/** Says by a status why there is no batch. What is nobody's fault but ours is logged. */
function turnAway(error: unknown, res: HttpResponse, server: Server): void {
  if (error instanceof HttpError) {
    // What still comes of the body is read and thrown away; closed at once, the connection would lose the answer.
    if (error.status === 413 || error.status === 503) res.shouldKeepAlive = true;
    refuse(res, error.status, error.message);
  } else if (error instanceof BatchError) {
    const tooLarge = error.fault === 'too_large';
    refuse(res, tooLarge ? 413 : 400, tooLarge ? 'Request too large' : 'Bad request');
  } else {
    server.log({ level: 'error', event: 'http.failed', error });
    refuse(res, 500, 'Server error');
  }
}
