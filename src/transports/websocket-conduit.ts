import type { Duplex } from 'node:stream';
import type { UpgradeRequest, WebSocket } from 'faye-websocket';
import type { SocketTally } from '../core/admission.ts';
import type { Timer } from '../lib/clock.ts';
import type { Conduit, EndReason, Handover, RequestInfo } from '../ports/conduit.ts';
import { isPromise } from '../lib/maybe-promise.ts';
import type { Departing } from '../core/delivery/flusher.ts';
import type { Server } from '../core/server.ts';
import type { Session } from '../core/session.ts';
import { BatchError } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import { browserOf } from './browser-cookie.ts';
import { addressOf, requestInfo } from './request-info.ts';
import { closeFrame, type Frames } from './websocket-frame.ts';
import { memoryHeld } from './websocket-pieces.ts';
import type { Rounds } from './websocket-rounds.ts';

/** What the sockets of one server share. */
export interface Shared {
  readonly server: Server;
  /** Pings those that are open. */
  readonly pings: Rounds<WebSocketConduit>;
  /** Watches those that have no session. */
  readonly idle: Rounds<WebSocketConduit>;
}

/** Close codes (WS-17). */
const codes = {
  disconnected: 1000,
  shutdown: 1001,
  binary: 1003,
  malformed: 1007,
  too_large: 1009,
  failed: 1011,
  capacity: 1013,
} as const;

/** How many frames may be at work before no more is read (PR-12). */
const MAX_AT_WORK = 100;
/** How many pings may go unanswered (WS-14). */
const MAX_UNANSWERED = 2;
/** How long a client has to close after its session ended, and how long closing may take (DC-3). Milliseconds. */
const LINGER = 1000;

const NOTHING = Buffer.alloc(0);

interface Unsettled {
  readonly batch: readonly Outgoing[];
  readonly handover: Handover | undefined;
}

// Listeners find the conduit on what they listen to: closures would cost each socket half a kilobyte.
const owner = Symbol('conduit');

declare module 'node:stream' {
  interface Duplex {
    [owner]?: WebSocketConduit;
  }
}

declare module 'faye-websocket' {
  interface WebSocket {
    [owner]?: WebSocketConduit;
  }
}

/**
 * One WebSocket. `faye-websocket` shakes hands, reads, and answers pings; what goes out is framed here, and written to the socket
 * beneath it, whole and in order.
 *
 *   open     reads, writes
 *   closing  a close frame was sent: nothing is read or written any more, the peer has a second to go
 *   closed   the socket is gone
 */
export class WebSocketConduit implements Conduit, Departing {
  tally: SocketTally | undefined;
  readonly #shared: Shared;
  readonly #frames: Frames;
  readonly #socket: Duplex;
  readonly #webSocket: WebSocket;
  readonly #asked: UpgradeRequest;
  #session: Session | undefined;
  #info: RequestInfo | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #unanswered = 0;
  #atWork = 0;
  // Memory of the message that has not come whole. Bytes.
  #partial = 0;
  #unsettled: Unsettled[] = [];
  #awaited: Unsettled | undefined;
  #isReading = false;
  #heldBack: Buffer[] | undefined;
  #timer: Timer | undefined;

  /** The WebSocket has opened. */
  constructor(shared: Shared, frames: Frames, asked: UpgradeRequest, socket: Duplex, webSocket: WebSocket) {
    this.#shared = shared;
    this.#frames = frames;
    this.#asked = asked;
    this.#socket = socket;
    this.#webSocket = webSocket;
    socket[owner] = this;
    webSocket[owner] = this;
    webSocket.onmessage = onMessage;
    webSocket.onclose = onClose;
    // Behind the one that has the WebSocket read.
    socket.on('data', afterRead);
    shared.pings.add(this);
    shared.idle.add(this);
    shared.server.join(this);
  }

  get shape() {
    return 'socket' as const;
  }

  get transport() {
    return 'websocket' as const;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Without a session it does not stay for long (WS-13). */
  set session(session: Session | undefined) {
    if (session === this.#session) return;
    this.#session = session;
    if (session !== undefined) this.#shared.idle.delete(this);
    else if (this.#state === 'open') this.#shared.idle.add(this);
  }

  get request(): RequestInfo {
    const { trustProxy } = this.#shared.server.options;
    this.#info ??= requestInfo({ ...this.#asked, socket: this.#socket }, this.transport, trustProxy);
    return this.#info;
  }

  get address(): string {
    const { trustProxy } = this.#shared.server.options;
    return addressOf({ headers: this.#asked.headers, socket: this.#socket }, trustProxy);
  }

  get browser(): string | undefined {
    return browserOf(this.#asked, this.#shared.server.options);
  }

  get http2(): boolean {
    return false;
  }

  get maxBytes(): number {
    return this.#shared.server.options.websocket.maxFlushBytes;
  }

  get alive(): boolean {
    return this.#state === 'open' && this.#socket.writable;
  }

  get ready(): boolean {
    return this.alive && !this.#isFull;
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (!this.alive) {
      handover?.settled(batch, false);
      return;
    }
    if (!this.#isReading) this.depart();
    this.#writeFrame(this.#frames.of(batch));
    if (this.#isWritten && this.#heldBack === undefined) handover?.settled(batch, true);
    else if (handover !== undefined) this.#await({ batch, handover });
  }

  end(reason: EndReason): void {
    if (this.#state !== 'open' || reason === 'replaced') return;
    if (reason === 'disconnected') this.#linger();
    else if (reason === 'overtaken') this.#cut();
    else this.#close(codes[reason]);
  }

  /** Asks the peer for a sign of life, or ends what has given none. */
  ping(): void {
    // While nothing is read, no answer can be heard.
    if (this.#hasTooMuchAtWork) return;
    if (this.#unanswered === MAX_UNANSWERED) this.#socket.destroy();
    else if (this.alive) {
      this.#unanswered += 1;
      this.#webSocket.ping('', () => {
        this.#unanswered = 0;
      });
    }
  }

  /** Closes a socket that has been without a session for too long (WS-13). */
  giveUp(): void {
    this.#close(codes.disconnected, 'no session');
  }

  /** Writes what was held back. */
  depart(): void {
    if (this.#heldBack === undefined) return;
    this.#writeHeldBack();
    this.#awaitWrite();
  }

  /** One message came whole; more may come right behind it, so that what is answered at once is held back. */
  take(data: string | Buffer): void {
    if (this.#state !== 'open') return;
    if (typeof data !== 'string') {
      this.#close(codes.binary);
      return;
    }
    const requests = this.#decode(data);
    // WS-5.
    if (requests === undefined || requests.length === 0) return;
    if (this.#session === undefined) this.#spoke();
    this.#isReading = true;
    this.#handle(requests);
    this.#isReading = false;
  }

  /** Who sends more than can be handled, or reads less than it asks for, is not listened to for a while. */
  pace(): void {
    if (!this.alive) return;
    // Replies or pongs may have piled up, behind which nothing waits yet that would have it read on.
    if (this.#isFull && this.#unsettled.length === 0) this.#await({ batch: [], handover: undefined });
    const isBusy = this.#isFull || this.#hasTooMuchAtWork;
    if (isBusy !== this.#socket.isPaused()) this.#socket[isBusy ? 'pause' : 'resume']();
  }

  /** Something was read, and perhaps no whole message: ends a peer whose message takes too much memory (SEC-8). */
  weigh(): void {
    if (this.#state !== 'open') return;
    const { intake, options } = this.#shared.server;
    const held = memoryHeld(this.#webSocket);
    const more = held - this.#partial;
    if (held > 2 * options.maxMessageSize) this.#close(codes.too_large);
    else if (more > 0 && !intake.hasRoomFor(more, this.address)) this.#close(codes.capacity);
    else this.#count(held);
  }

  /** The socket is gone. */
  closed(): void {
    this.#finish();
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#socket.destroy();
    // Newest first, so that they can be put back in order.
    const lost = this.#unsettled.reverse();
    this.#unsettled = [];
    for (const { batch, handover } of lost) handover?.settled(batch, false, true);
  }

  get #hasTooMuchAtWork(): boolean {
    if (this.#atWork === 0) return false;
    const waiting = this.#session?.waitingBytes ?? 0;
    return this.#atWork > MAX_AT_WORK || waiting > this.#shared.server.options.maxWaitingBytes;
  }

  #count(partial: number): void {
    this.#shared.server.intake.add(partial - this.#partial);
    this.#partial = partial;
  }

  // WS-15.
  get #isFull(): boolean {
    return this.#socket.writableLength > this.#shared.server.options.websocket.maxBufferedBytes;
  }

  // What was held back until all was read may be handed over at once.
  #cut(): void {
    this.depart();
    if (this.#unsettled.length > 0) this.closed();
  }

  get #isWritten(): boolean {
    return this.alive && this.#socket.writableLength === 0;
  }

  #decode(text: string): Request[] | undefined {
    try {
      return this.#shared.server.decode(text);
    } catch (error) {
      this.#close(error instanceof BatchError ? codes[error.fault] : codes.failed);
      return undefined;
    }
  }

  // Who may publish without a session lives by its messages.
  #spoke(): void {
    if (this.#shared.server.options.unconnectedPublish !== 'deny') this.#shared.idle.add(this);
  }

  #handle(requests: readonly Request[]): void {
    const received = this.#shared.server.receive(requests, this);
    if (!isPromise(received)) return;
    this.#atWork += 1;
    void received.then(() => {
      this.#atWork -= 1;
      this.pace();
    });
  }

  #writeFrame(frame: Buffer): void {
    if (!this.#isReading) this.#socket.write(frame);
    else if (this.#heldBack !== undefined) this.#heldBack.push(frame);
    else {
      this.#heldBack = [frame];
      this.#shared.server.depart(this);
    }
  }

  #writeHeldBack(): void {
    const frames = this.#heldBack;
    this.#heldBack = undefined;
    if (frames === undefined || !this.alive) return;
    if (frames.length > 1) this.#socket.cork();
    for (const frame of frames) this.#socket.write(frame);
    if (frames.length > 1) this.#socket.uncork();
  }

  #await(unsettled: Unsettled): void {
    this.#unsettled.push(unsettled);
    this.#awaitWrite();
  }

  // DL-8: what was written is handed over when nothing is left to write of it.
  #awaitWrite(): void {
    const last = this.#unsettled.at(-1);
    if (this.#heldBack !== undefined) return;
    // A socket that has failed reports nothing left to write: its `close` tells what became of it.
    if (last === undefined || last === this.#awaited || !this.alive) return;
    if (this.#isWritten) this.#settle(last);
    else {
      this.#awaited = last;
      this.#socket.write(NOTHING, (error) => {
        if (!error) this.#settle(last);
      });
    }
  }

  #settle(last: Unsettled): void {
    // It reads, so it lives, even if its pongs wait behind what is not read from it.
    this.#unanswered = 0;
    const settled = this.#unsettled.splice(0, this.#unsettled.indexOf(last) + 1);
    for (const { batch, handover } of settled) handover?.settled(batch, true);
    this.session?.flush();
    this.pace();
  }

  // DC-3. By then the socket may be another session's.
  #linger(): void {
    this.#timer ??= this.#shared.server.clock.after(LINGER, () => {
      this.#timer = undefined;
      if (this.session === undefined) this.#close(codes.disconnected);
    });
  }

  #close(code: number, why = ''): void {
    if (this.#state !== 'open') return;
    this.#writeHeldBack();
    if (this.#socket.writable) this.#socket.write(closeFrame(code, why));
    this.#finish();
  }

  #finish(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#count(0);
    this.#shared.pings.delete(this);
    this.#shared.idle.delete(this);
    this.#shared.server.lost(this);
    this.#socket.end();
    // Nothing is kept of what still comes.
    this.#socket.unpipe();
    this.#socket.resume();
    this.#timer?.cancel();
    this.#timer = this.#shared.server.clock.after(LINGER, () => void this.#socket.destroy());
  }
}

function onMessage(this: WebSocket, { data }: { readonly data: string | Buffer }): void {
  this[owner]?.take(data);
}

function onClose(this: WebSocket): void {
  this[owner]?.closed();
}

function afterRead(this: Duplex): void {
  this[owner]?.weigh();
  this[owner]?.pace();
}
