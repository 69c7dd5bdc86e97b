import type { Duplex } from 'node:stream';
import { overLimit } from '../protocol/over-limit.ts';
import type { Timer } from '../lib/clock.ts';
import type { DeferredWrite } from '../core/delivery/flusher.ts';
import type { RefusalDetails } from '../core/refusals.ts';
import { usualPause } from './http.ts';
import type { Server } from './options.ts';
import type { Handover } from '../ports/conduit.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import { Unsettled, type Written } from './unsettled.ts';
import { closeFrame, type Frame, pingFrame, pongFrame } from './websocket-frame.ts';
import { type FrameFault, type FrameSink, readFrames } from './websocket-reader.ts';
import type { Rounds } from './websocket-rounds.ts';
import type { UnfinishedInput } from './websocket-unfinished.ts';

/** Close codes (WS-17). */
export const closeCodes = {
  disconnected: 1000,
  shutdown: 1001,
  protocol: 1002,
  binary: 1003,
  malformed: 1007,
  too_large: 1009,
  failed: 1011,
  capacity: 1013,
} as const;

/** How many pings may go unanswered (WS-14). */
const MAX_UNANSWERED = 2;
/** How long a client has to close after its session ended, and how long closing may take (DC-3). Milliseconds. */
const LINGER = 1000;

const NOTHING = Buffer.alloc(0);

/** The parts that all links of one server share. */
export interface SharedByLinks {
  readonly server: Server;
  /** Pings the open links. */
  readonly pings: Rounds<WebSocketLink>;
}

// Listeners find the link on what they listen to: closures would cost each socket half a kilobyte.
const owner = Symbol('link');

declare module 'node:stream' {
  interface Duplex {
    [owner]?: WebSocketLink;
  }
}

/**
 * A WebSocket under any protocol: what is read and at which pace, writes that have not left, pings, and the close. Frames are read from
 * the socket and written to it directly, whole and in order. Each protocol is a subclass, and not a second object: an object for each
 * socket is memory that idle sockets pay, too.
 *
 *   open     reads, writes
 *   closing  a close frame was sent: nothing is read or written any more, the peer has a second to go
 *   closed   the socket is gone
 */
export abstract class WebSocketLink implements DeferredWrite, FrameSink {
  unfinished: UnfinishedInput | undefined;
  readonly #shared: SharedByLinks;
  readonly #socket: Duplex;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #unanswered = 0;
  // Memory of the message that has not come whole. Bytes.
  #partial = 0;
  #unsettled: Unsettled | undefined;
  #awaited: Written | undefined;
  #isReading = false;
  #heldBack: Frame[] | undefined;
  #timer: Timer | undefined;

  /** The handshake was accepted; `answer` is not written yet. */
  constructor(shared: SharedByLinks, socket: Duplex, answer: Buffer) {
    this.#shared = shared;
    this.#socket = socket;
    socket[owner] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.on('error', ignore);
    shared.pings.add(this);
    // It leaves with all other answers of this turn.
    this.#heldBack = [answer];
    shared.server.flusher.writeAtTurnEnd(this);
  }

  /** A whole text message came. */
  abstract text(text: string): void;

  /** Every write has left: there is room for more. */
  protected abstract drained(): void;

  /** The link ends: from here on nothing is read or written. */
  protected abstract gone(): void;

  /** Whether too many messages are at work to read more of them. */
  protected abstract get isBusy(): boolean;

  abstract get inflates(): boolean;

  abstract get address(): string;

  protected get socket(): Duplex {
    return this.#socket;
  }

  get maxLength(): number {
    return this.#shared.server.options.maxMessageSize;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get alive(): boolean {
    return this.#state === 'open' && this.#socket.writable;
  }

  get ready(): boolean {
    return this.alive && !this.#isFull;
  }

  /** Pings the peer, or ends the link when too many pings are unanswered. */
  ping(): void {
    // While nothing is read, no answer can be heard.
    if (this.isBusy) return;
    if (this.#unanswered === MAX_UNANSWERED) this.#socket.destroy();
    else if (this.alive) {
      this.#unanswered += 1;
      this.#socket.write(pingFrame);
    }
  }

  /** Writes the frames that were held back. */
  writeDeferred(): void {
    if (this.#heldBack === undefined) return;
    this.#writeHeldBack();
    this.#awaitWrite();
  }

  /** Reads a chunk. More may follow in the same turn, so immediate answers are held back until the end of the turn. */
  read(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#isReading = true;
    readFrames(this, chunk);
    this.#isReading = false;
    if (this.unfinished !== undefined || this.#partial > 0) this.#weigh();
    this.pace();
  }

  pinged(payload: Buffer): void {
    if (this.alive) this.#socket.write(pongFrame(payload));
  }

  ponged(): void {
    this.#unanswered = 0;
  }

  endedByPeer(code: number): void {
    this.close(code);
  }

  refuseFrame(fault: FrameFault, why: string): void {
    this.refuse(closeCodes[fault], why);
  }

  refuseSize(): void {
    const option = 'maxMessageSize';
    this.refuse(closeCodes.too_large, overLimit(option, this.maxLength), option);
  }

  /** Pauses reading while the peer sends more than can be handled, or reads less than it is sent. */
  pace(): void {
    if (!this.alive) return;
    // Replies or pongs may be unsent with no batch after them to resume reading: add an empty batch.
    if (this.#isFull && this.#hasSettled) this.#await([], undefined);
    const isBusy = this.#isFull || this.isBusy;
    if (isBusy !== this.#socket.isPaused()) this.#socket[isBusy ? 'pause' : 'resume']();
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#state === 'closed') return;
    this.#finish();
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#socket.destroy();
    this.#unsettled?.lose();
  }

  /**
   * Writes the frame of this batch. While a message is being read, the frame waits for the end of the turn.
   */
  protected write(frame: Frame, batch: readonly Outgoing[], handover: Handover | undefined): void {
    if (!this.#isReading) this.writeDeferred();
    this.#writeFrame(frame);
    if (this.#isWritten && this.#heldBack === undefined) handover?.settled(batch, true);
    else if (handover !== undefined) this.#await(batch, handover);
  }

  /** Closes for what the peer sent, and logs it. None of it is the peer's text. */
  protected refuse(code: number, why: string, option?: string): void {
    if (this.#state !== 'open') return;
    this.#noteRefused({ ...(option !== undefined && { option }), cause: why, why });
    this.close(code, why);
  }

  /** Sends a close frame and ends. */
  protected close(code: number, why = ''): void {
    if (this.#state !== 'open') return;
    this.#writeHeldBack();
    if (this.#socket.writable) this.#socket.write(closeFrame(code, why));
    this.#finish();
  }

  /** Closes since a limit is reached, and says when the peer may come again. Milliseconds. */
  protected closeFull(why: string, retryAfter = usualPause()): void {
    this.close(closeCodes.capacity, `${why}; come again in ${Math.ceil(retryAfter / 1000)} s`);
  }

  /** Closes after a second, unless the link is wanted by then (DC-3). */
  protected closeSoon(isWanted: () => boolean): void {
    this.#timer ??= this.#shared.server.clock.after(LINGER, () => {
      this.#timer = undefined;
      if (!isWanted()) this.close(closeCodes.disconnected);
    });
  }

  /** Writes the frames that were held back, then ends at once if something written has not left. */
  protected cut(): void {
    this.writeDeferred();
    if (!this.#hasSettled) this.closed();
  }

  // WS-15: the session keeps its events in its queue.
  get #isFull(): boolean {
    return this.#socket.writableLength > this.#shared.server.options.websocket.maxBufferedBytes;
  }

  get #isWritten(): boolean {
    return this.alive && this.#socket.writableLength === 0;
  }

  get #hasSettled(): boolean {
    return this.#unsettled === undefined || this.#unsettled.isEmpty;
  }

  // Ends a peer whose unfinished message takes too much memory (SEC-8).
  #weigh(): void {
    const held = this.unfinished?.held ?? 0;
    const more = held - this.#partial;
    const { intake } = this.#shared.server;
    if (more > 0 && !intake.hasRoomFor(more, this.address)) this.closeFull(intake.full);
    else this.#count(held);
  }

  #noteRefused(details: RefusalDetails): void {
    this.#shared.server.refusals.note('request.refused', { ...details, address: this.address });
  }

  #count(partial: number): void {
    this.#shared.server.intake.add(partial - this.#partial);
    this.#partial = partial;
  }

  #writeFrame(frame: Frame): void {
    if (!this.#isReading) this.#socket.write(frame, 'latin1');
    else if (this.#heldBack !== undefined) this.#heldBack.push(frame);
    else {
      this.#heldBack = [frame];
      this.#shared.server.flusher.writeAtTurnEnd(this);
    }
  }

  #writeHeldBack(): void {
    const frames = this.#heldBack;
    this.#heldBack = undefined;
    if (frames === undefined || !this.alive) return;
    if (frames.length > 1) this.#socket.cork();
    for (const frame of frames) this.#socket.write(frame, 'latin1');
    if (frames.length > 1) this.#socket.uncork();
  }

  #await(batch: readonly Outgoing[], handover: Handover | undefined): void {
    this.#unsettled ??= new Unsettled();
    this.#unsettled.add(batch, handover);
    this.#awaitWrite();
  }

  // DL-8: a batch is handed over when the socket has nothing left to write.
  #awaitWrite(): void {
    const last = this.#unsettled?.last;
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

  #settle(last: Written): void {
    // The peer reads, so it is alive, even if its pongs are stuck in data that we do not read.
    this.#unanswered = 0;
    this.#unsettled?.settleUpTo(last);
    this.drained();
    this.pace();
  }

  #finish(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.unfinished = undefined;
    this.#count(0);
    this.#shared.pings.delete(this);
    this.gone();
    this.#socket.end();
    // Data that still comes is read and dropped.
    this.#socket.resume();
    this.#timer?.cancel();
    this.#timer = this.#shared.server.clock.after(LINGER, () => void this.#socket.destroy());
  }
}

function onData(this: Duplex, chunk: Buffer): void {
  this[owner]?.read(chunk);
}

function onEnd(this: Duplex): void {
  this[owner]?.closed();
}

// `close` follows.
function ignore(): void {}
