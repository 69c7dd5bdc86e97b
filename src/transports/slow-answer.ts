import type { Timer } from '../lib/clock.ts';
import type { Handover } from '../ports/conduit.ts';
import type { Server } from './options.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import { type HttpRequest, type HttpResponse, readingTime } from './http.ts';
import { afterRoundTrip } from './round-trip.ts';
import { atTurn } from './turn.ts';

/** How much of a body is written at once. Bytes. */
export const PIECE = 16_384;

/** How long an overtaken answer may make no progress, if its earlier progress was faster. Milliseconds. */
const PATIENCE = 400;
/** The same for an answer that is read slowly, at most. Milliseconds. */
const MOST_PATIENCE = 5_000;

/** Extra time for a peer of HTTP/2 to confirm that it has all, since by then no progress can be seen. Milliseconds. */
const MOST_UNSEEN = 60_000;

/** The request and response that carry an answer. */
interface Carrier {
  readonly server: Server;
  readonly req: HttpRequest;
  readonly res: HttpResponse;
}

/**
 * An answer that may not leave at once. A large body is written in pieces, each when the one before has left,
 * which shows whether the peer still reads. An answer without progress is cut (SEC-9).
 *
 *             piece left   last left          connection lost   no progress in time
 *   writing   writing      written            settled           settled, cut
 *   written   -            settled, or sent   settled           settled, cut
 *   sent      -            -                  settled           settled, cut
 *
 * `sent` is for HTTP/2 alone, where Node emits `finish` even if the connection died. So an answer that did not
 * leave at once counts as handed over when its peer has answered a PING that was sent after it (DL-8).
 */
export class SlowAnswer {
  readonly #server: Server;
  readonly #res: HttpResponse;
  readonly #socket: HttpRequest['socket'];
  readonly #stream: HttpResponse['stream'];
  readonly #connection: NonNullable<HttpResponse['stream']>['session'];
  readonly #batch: readonly Outgoing[];
  readonly #handover: Handover | undefined;
  #state: 'writing' | 'written' | 'sent' | 'settled' = 'written';
  #isLate = false;
  #hasMoved = false;
  #movedAt: number;
  #longestPause = 0;
  #deadline: Timer | undefined;
  #patience: Timer | undefined;

  constructor({ server, req, res }: Carrier, batch: readonly Outgoing[], handover: Handover | undefined) {
    this.#server = server;
    this.#res = res;
    this.#socket = req.socket;
    this.#stream = res.stream;
    this.#connection = res.stream?.session;
    this.#batch = batch;
    this.#handover = handover;
    this.#movedAt = server.clock.now();
    this.#watch();
  }

  write(body: Buffer): void {
    this.#state = 'writing';
    this.#writeFrom(0, body);
  }

  /** A newer connect of the session came. The answer is cut unless its peer still reads, since its link may be dead (DL-8). */
  overtaken(): void {
    if (this.#handover === undefined || this.#state === 'settled') return;
    this.#patience ??= this.#server.clock.after(PATIENCE, this.#checkOvertaken);
  }

  /** The response closed. Over HTTP/2, it also closes after it has finished well. */
  closed(): void {
    if (this.#state !== 'sent') this.#lose();
  }

  #watch(): void {
    const { clock } = this.#server;
    // By the end of the turn, small answers over HTTP/2 have left.
    if (this.#stream !== undefined) clock.soon(() => this.#isNowLate());
    else atTurn(this.#res, () => this.#awaitProgress());
    (this.#stream ?? this.#res).on('finish', () => this.#finished());
  }

  #isNowLate(): void {
    this.#isLate = true;
    this.#awaitProgress();
  }

  #awaitProgress(): void {
    if (this.#state === 'settled') return;
    this.#movedAt = this.#server.clock.now();
    this.#deadline = this.#server.clock.after(this.#mostPause, this.#check);
  }

  #writeFrom(at: number, body: Buffer): void {
    const next = at + PIECE;
    const piece = body.subarray(at, next);
    if (next >= body.length) {
      this.#state = 'written';
      this.#res.end(piece);
      return;
    }
    this.#res.write(piece, (error) => {
      if (error || !this.#canGoOn) return;
      this.#moved();
      this.#writeFrom(next, body);
    });
  }

  // A destroyed socket reports its last write as done. Middleware, such as a timeout, may have ended the response.
  get #canGoOn(): boolean {
    const { destroyed, writableEnded } = this.#res;
    return (
      this.#state === 'writing' && !this.#socket.destroyed && destroyed !== true && writableEnded !== true
    );
  }

  #moved(): void {
    const now = this.#server.clock.now();
    this.#longestPause = Math.max(this.#longestPause, now - this.#movedAt);
    this.#movedAt = now;
    this.#hasMoved = true;
    this.#handover?.moved();
  }

  // A destroyed socket reports its last write as done, and the response then as finished.
  #finished(): void {
    const connection = this.#connection;
    if (this.#state !== 'written' || this.#socket.destroyed) this.#lose();
    else if (connection === undefined || this.#handover === undefined || !this.#isLate) this.#settle(true);
    else {
      this.#moved();
      this.#state = 'sent';
      afterRoundTrip(connection, (answered) => (answered ? this.#settle(true) : this.#lose()));
    }
  }

  // Progress does not move the timer: when it fires, it looks for a later deadline.
  readonly #check = (): void => {
    const left = this.#movedAt + this.#mostPause - this.#server.clock.now();
    if (left >= 1) this.#deadline = this.#server.clock.after(left, this.#check);
    else this.#cut();
  };

  get #mostPause(): number {
    return readingTime(this.#server.options) + (this.#state === 'sent' ? MOST_UNSEEN : 0);
  }

  readonly #checkOvertaken = (): void => {
    if (this.#state === 'settled') return;
    const { clock } = this.#server;
    const patience = Math.max(PATIENCE, Math.min(2 * this.#longestPause, MOST_PATIENCE));
    const left = this.#movedAt + patience - clock.now();
    if (left >= 1) {
      this.#patience = clock.after(left, this.#checkOvertaken);
      return;
    }
    // Reports of progress may wait behind this timer.
    this.#hasMoved = false;
    clock.soon(() => (this.#hasMoved ? this.#checkOvertaken() : this.#cut()));
  };

  #cut(): void {
    if (this.#state === 'settled') return;
    this.#lose();
    this.#res.destroy();
  }

  // A response cut short cannot have been read, as its length is known. Node reports the end of an HTTP/2 stream late.
  #lose(): void {
    this.#settle(false, this.#stream !== undefined && this.#state !== 'writing');
  }

  #settle(whole: boolean, mayHaveArrived = false): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#deadline?.cancel();
    this.#patience?.cancel();
    this.#handover?.settled(this.#batch, whole, mayHaveArrived);
  }
}
