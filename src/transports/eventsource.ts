import type { Timer } from '../lib/clock.ts';
import { isPromise } from '../lib/maybe-promise.ts';
import type {
  CloseReason,
  Conduit,
  ConduitOwner,
  EndReason,
  Handover,
  RequestInfo,
} from '../ports/conduit.ts';
import type { Server } from './options.ts';
import { encodeBatch, type Outgoing } from '../protocol/outgoing.ts';
import { browserOf } from './browser-cookie.ts';
import {
  comeAgain,
  commonHeaders,
  type Handle,
  type HttpRequest,
  type HttpResponse,
  readingTime,
  refuse,
} from './http.ts';
import { addressOf, requestInfo } from './request-info.ts';
import { afterRoundTrip } from './round-trip.ts';
import { atTurn, hearClose } from './turn.ts';
import { Unsettled, type Written } from './unsettled.ts';

/** Unsent bytes above which events wait in the session's queue instead. */
const MAX_BUFFERED = 1_048_576;

/** `data: ` and the blank line around a batch. Bytes. */
const FIELD = 8;

const headers = {
  ...commonHeaders,
  'Content-Type': 'text/event-stream',
  // Keeps nginx from buffering the stream.
  'X-Accel-Buffering': 'no',
};

/** `eventsource`: a GET of `<mount>/<clientId>` that stays open and carries the session's events (ES-1 to ES-7). */
export function eventSource(server: Server): Handle {
  return (req, res) => {
    const stream = new EventStream(server, req, res);
    const joined = server.joinStream(lastSegmentOf(req), stream);
    if (isPromise(joined)) return stream.await(joined).then((ok) => answer(ok, stream, req, res, server));
    answer(joined, stream, req, res, server);
  };
}

function answer(
  joined: boolean,
  stream: EventStream,
  req: HttpRequest,
  res: HttpResponse,
  server: Server,
): void {
  if (joined) stream.open();
  else if (stream.alive) refuseStream(req, res, server);
}

function refuseStream(req: HttpRequest, res: HttpResponse, { options, refusals }: Server): void {
  const why = 'no such session';
  const address = addressOf(req, options.trustProxy);
  refusals.note('request.refused', { cause: why, why, status: 404, address });
  refuse(res, 404, `Not found: ${why}`);
}

function lastSegmentOf({ url = '' }: HttpRequest): string {
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  return path.slice(path.lastIndexOf('/') + 1);
}

class EventStream implements Conduit {
  readonly shape = 'stream';
  readonly transport = 'eventsource';
  session: ConduitOwner | undefined;
  readonly #server: Server;
  readonly #req: HttpRequest;
  readonly #res: HttpResponse;
  readonly #socket: HttpRequest['socket'];
  readonly #unsettled = new Unsettled();
  #info: RequestInfo | undefined;
  #alive = true;
  #hearsClose = false;
  #isOpen = false;
  #timer: Timer | undefined;

  constructor(server: Server, req: HttpRequest, res: HttpResponse) {
    this.#server = server;
    this.#req = req;
    this.#res = res;
    this.#socket = req.socket;
  }

  get request(): RequestInfo {
    this.#info ??= requestInfo(this.#req, this.transport, this.#server.options.trustProxy);
    return this.#info;
  }

  get address(): string {
    return addressOf(this.#req, this.#server.options.trustProxy);
  }

  get browser(): string | undefined {
    return browserOf(this.#req, this.#server.options);
  }

  get http2(): boolean {
    return this.#req.httpVersionMajor >= 2;
  }

  get maxBytes(): number {
    return this.#server.options.maxFlushBytes - FIELD;
  }

  get alive(): boolean {
    return this.#alive && !this.#isDestroyed;
  }

  get ready(): boolean {
    return this.alive && (this.#res.writableLength ?? 0) <= MAX_BUFFERED;
  }

  /** Hears of a peer that hangs up while another node is asked. */
  await(joined: Promise<boolean>): Promise<boolean> {
    this.#hearClose();
    return joined;
  }

  /** Begins the stream, once. Queued events follow at the end of this turn. */
  open(): void {
    if (this.#isOpen || !this.alive) return;
    this.#isOpen = true;
    this.#hearClose();
    this.#res.writeHead(200, headers);
    this.#res.write('retry: 5000\n\n', ignore);
    this.#pingLater();
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (!this.alive) {
      handover?.settled(batch, false);
      return;
    }
    // Events of another node may come together with its word that the stream may begin.
    this.open();
    const written = this.#unsettled.add(batch, handover);
    this.#res.write(`data: ${encodeBatch(batch)}\n\n`, (error) => {
      // A destroyed socket reports its last write as done: then `close` settles it.
      if (!error && !this.#isDestroyed) this.#settle(written);
    });
    // DL-8: this batch and all before it were written.
    if (!this.#isDestroyed && this.#res.writableLength === 0) this.#unsettled.settleUpTo(written);
  }

  end(reason: EndReason, _why?: CloseReason, text?: string, retryAfter?: number): void {
    if (reason === 'overtaken') {
      this.#closed();
      this.#res.destroy();
      return;
    }
    if (!this.#alive) return;
    this.#alive = false;
    this.#timer?.cancel();
    if (!this.#isOpen && reason === 'capacity')
      refuse(this.#res, 503, `Service unavailable: ${text ?? 'no room'}`, comeAgain(retryAfter));
    else this.#res.end('');
    const { clock, options } = this.#server;
    atTurn(this.#res, () => {
      this.#timer = clock.after(readingTime(options), () => void this.#res.destroy());
    });
  }

  // Over HTTP/2, the stream may be destroyed while the connection is not.
  get #isDestroyed(): boolean {
    return this.#socket.destroyed || this.#res.stream?.destroyed === true;
  }

  // Over HTTP/2, Node reports a write as done even if the connection died (DL-8). In that case `close` settles the batch.
  #settle(written: Written): void {
    const connection = this.#res.stream?.session;
    if (connection === undefined) this.#unsettled.settleUpTo(written);
    else afterRoundTrip(connection, (answered) => answered && this.#unsettled.settleUpTo(written));
  }

  #hearClose(): void {
    if (!this.#hearsClose) hearClose(this.#req, this.#res, () => this.#closed());
    this.#hearsClose = true;
  }

  #closed(): void {
    this.#alive = false;
    this.#timer?.cancel();
    this.#unsettled.lose();
    this.#server.lost(this);
  }

  #pingLater(): void {
    this.#timer = this.#server.clock.after(this.#server.options.eventSource.ping, () => {
      this.#res.write(':\n\n', ignore);
      this.#pingLater();
    });
  }
}

// Nothing to do: the stream closes after a failed write, and that is handled.
const ignore = (): void => {};
