import type {
  CloseReason,
  Conduit,
  ConduitOwner,
  EndReason,
  Handover,
  RequestInfo,
  TransportName,
} from '../ports/conduit.ts';
import type { DeferredWrite } from '../core/delivery/flusher.ts';
import type { Server } from './options.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { BatchError } from '../protocol/errors.ts';
import { encodeBatch, type Outgoing, OutgoingReply } from '../protocol/outgoing.ts';
import { browserCookie, browserOf, newBrowser } from './browser-cookie.ts';
import { comeAgain, commonHeaders, type HttpRequest, type HttpResponse, refuse } from './http.ts';
import { addressOf, isSecure, requestInfo } from './request-info.ts';
import { PIECE, SlowAnswer } from './slow-answer.ts';
import { hearClose } from './turn.ts';

/** How a transport writes a batch: its headers, and the text around the JSON, if any. */
export interface Format {
  /** `length` is that of the body. Bytes. */
  headers(length: number): Record<string, string | number>;
  /** Bytes of the body around the JSON. */
  readonly around: number;
  body?(json: string): string;
}

interface Answer {
  readonly batch: readonly Outgoing[];
  readonly handover: Handover | undefined;
}

/** Size of a response above which the client gets more time to read it. Bytes. */
const LARGE = 65_536;

/** The batch in a request: one JSON text, or several whose messages form one batch. */
export type Texts = string | readonly string[];

interface PollingRequest {
  readonly req: HttpRequest;
  readonly res: HttpResponse;
  readonly format: Format;
}

/** One HTTP request and its response: at most one batch, or a status. */
export class HttpExchange implements Conduit, DeferredWrite {
  readonly shape: 'exchange';
  readonly transport: TransportName;
  session: ConduitOwner | undefined;
  readonly #server: Server;
  readonly #req: HttpRequest;
  readonly #res: HttpResponse;
  readonly #format: Format;
  readonly #socket: HttpRequest['socket'];
  #info: RequestInfo | undefined;
  #browser: string | undefined;
  #isNewBrowser: boolean;
  #state: 'waiting' | 'answered' | 'closed';
  #isReceiving: boolean;
  #heldBack: Answer | undefined;
  #slow: SlowAnswer | undefined;
  #hearsClose: boolean;

  /** Hands the batch of a request to the server, which answers it. Throws `BatchError`. */
  static receive(
    server: Server,
    transport: TransportName,
    texts: Texts,
    { req, res, format }: PollingRequest,
  ): MaybePromise<void> {
    const requests = server.decode(texts);
    // HT-9: an empty batch is answered by a status, since there is no message to reply to.
    if (requests.length === 0) throw new BatchError('malformed', 'the batch has no message');
    const exchange = new HttpExchange(server, transport, req, res, format);
    const received = server.receive(requests, exchange, texts);
    exchange.received();
    return received;
  }

  constructor(server: Server, transport: TransportName, req: HttpRequest, res: HttpResponse, format: Format) {
    this.shape = 'exchange';
    this.transport = transport;
    this.#server = server;
    this.#req = req;
    this.#res = res;
    this.#format = format;
    // Stored, since Node removes the socket from a response before it reports the finish.
    this.#socket = req.socket;
    this.#isNewBrowser = false;
    this.#state = 'waiting';
    this.#isReceiving = true;
    this.#hearsClose = false;
  }

  /** The batch was received. If the answer is still to come, notices a peer that hangs up. */
  received(): void {
    this.#isReceiving = false;
    if (this.#state === 'waiting') this.#hearClose();
  }

  get request(): RequestInfo {
    this.#info ??= requestInfo(this.#req, this.transport, this.#server.options.trustProxy);
    return this.#info;
  }

  get address(): string {
    return addressOf(this.#req, this.#server.options.trustProxy);
  }

  get browser(): string | undefined {
    if (this.#browser !== undefined) return this.#browser;
    const { options } = this.#server;
    this.#browser = browserOf(this.#req, options);
    if (this.#browser === undefined && options.browserCookie !== false) {
      this.#browser = newBrowser();
      this.#isNewBrowser = true;
    }
    return this.#browser;
  }

  get http2(): boolean {
    return this.#req.httpVersionMajor >= 2;
  }

  get maxBytes(): number {
    return this.#server.options.maxFlushBytes - this.#format.around;
  }

  /** Over HTTP/2 each exchange has a stream of its own, which can break alone. */
  get link(): object | undefined {
    return this.http2 ? undefined : this.#socket;
  }

  get alive(): boolean {
    // Middleware in front, such as a timeout, may have answered in our place.
    return this.#state === 'waiting' && !this.#socket.destroyed && !this.#res.headersSent;
  }

  get ready(): boolean {
    return this.alive;
  }

  sendAway(): void {
    this.#res.shouldKeepAlive = false;
    this.#res.stream?.session?.close();
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (!this.alive) {
      handover?.settled(batch, false);
      return;
    }
    this.#state = 'answered';
    const answer = { batch, handover };
    if (this.#isReceiving) {
      this.#heldBack = answer;
      this.#server.flusher.writeAtTurnEnd(this);
    } else this.#write(answer);
  }

  /** Writes the answer that was deferred while more was to be read. */
  writeDeferred(): void {
    const answer = this.#heldBack;
    this.#heldBack = undefined;
    if (answer !== undefined) this.#write(answer);
  }

  end(reason: EndReason, _why?: CloseReason, text?: string, retryAfter?: number): void {
    if (reason === 'overtaken') {
      this.writeDeferred();
      this.#slow?.overtaken();
      return;
    }
    if (!this.alive || reason === 'disconnected') return;
    this.#state = 'answered';
    switch (reason) {
      case 'replaced':
        this.#res.writeHead(this.#server.options.duplicateConnectStatus, {
          ...commonHeaders,
          'Content-Length': 0,
        });
        this.#res.end('');
        break;
      case 'failed':
        refuse(this.#res, 500, 'Server error');
        break;
      default:
        if (reason === 'shutdown') this.#res.shouldKeepAlive = false;
        refuse(
          this.#res,
          503,
          text === undefined ? 'Service unavailable' : `Service unavailable: ${text}`,
          reason === 'capacity' ? comeAgain(retryAfter) : {},
        );
    }
    this.#settle([]);
  }

  #write({ batch, handover }: Answer): void {
    if (this.#socket.destroyed || this.#res.headersSent) {
      handover?.settled(batch, false);
      return;
    }
    const json = encodeBatch(batch);
    const body = this.#format.body === undefined ? json : this.#format.body(json);
    if (this.#isNewBrowser) this.#setCookie(batch);
    const length = Buffer.byteLength(body);
    this.#res.writeHead(200, this.#format.headers(length));
    if (length > LARGE) handover?.sentLarge(length);
    if (length > PIECE) this.#await(batch, handover).write(Buffer.from(body));
    else {
      this.#end(body);
      this.#settle(batch, handover);
    }
  }

  // Node's `end(body)` makes one write of two parts: the body and an empty text. A write of one part takes 8 % less CPU.
  #end(body: string): void {
    const { socket } = this.#res;
    if (this.http2 || !socket || socket.writableCorked > 0) {
      this.#res.end(body);
      return;
    }
    this.#res.write(body);
    // Node corks the socket until the next tick, when `end` would have added the empty text.
    socket.uncork();
    this.#res.end();
  }

  // DL-8: the batch is handed over when nothing is left to write, which is nearly always the case at once.
  #settle(batch: readonly Outgoing[], handover?: Handover): void {
    const { writableFinished, writableEnded, writableLength } = this.#res;
    // Node 24 says only in the next tick that a response has finished. Over HTTP/2 nothing but `finish` counts.
    const isOver =
      writableFinished === true || (writableEnded === true && writableLength === 0 && !this.http2);
    if (isOver && !this.#socket.destroyed) handover?.settled(batch, true);
    else this.#await(batch, handover);
  }

  #await(batch: readonly Outgoing[], handover: Handover | undefined): SlowAnswer {
    const way = { server: this.#server, req: this.#req, res: this.#res };
    this.#slow = new SlowAnswer(way, batch, handover);
    this.#hearClose();
    return this.#slow;
  }

  #hearClose(): void {
    if (!this.#hearsClose) hearClose(this.#req, this.#res, this.#onClose);
    this.#hearsClose = true;
  }

  readonly #onClose = (): void => {
    const unanswered = this.#state === 'waiting';
    this.#state = 'closed';
    this.#slow?.closed();
    if (unanswered) this.#server.lost(this);
  };

  // CK-1: only a successful handshake sets the cookie, and only for a browser without one.
  #setCookie(batch: readonly Outgoing[]): void {
    if (!batch.some(isWelcome)) return;
    const { browser } = this;
    const { options } = this.#server;
    if (browser === undefined) return;
    const cookie = browserCookie(browser, isSecure(this.#req, options.trustProxy), options);
    if (cookie !== undefined) this.#res.appendHeader('Set-Cookie', cookie);
  }
}

function isWelcome(one: Outgoing): boolean {
  return one instanceof OutgoingReply && one.message.channel === '/meta/handshake' && one.message.successful;
}
