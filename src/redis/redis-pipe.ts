import { type Frame, FrameError, FrameReader, type Kind } from '../cluster/frames.ts';
import type { Ending } from '../cluster/link.ts';
import type { Pipe } from '../cluster/pipe.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { randomHex } from '../lib/random-hex.ts';
import { RedisError } from './connection/redis-error.ts';
import { OutgoingBytes } from './outgoing-bytes.ts';
import type { PipeText } from './pipe-text.ts';
import type { Told } from './redis-node.ts';
import type { NodeKeys, Seal } from './seal.ts';

/** Largest batch, and largest frame. Bytes. */
const BATCH_BYTES = 16_777_216;
const FRAME_BYTES = BATCH_BYTES + 1_048_576;
/** Largest piece of one text. Bytes. */
const PIECE = 262_144;
/** What one end may send before the other has read it, which bounds what is in Redis. Bytes. */
const WINDOW = 4_194_304;
/** Unsent bytes above which events wait in the queues of their sessions. */
const FULL = 1_048_576;
/** Unsent bytes above which the pipe ends: the other node does not read. */
const MAX_UNSENT = 4 * FRAME_BYTES;

/** How long a new pipe may take to be open. Milliseconds. */
const GREETING_TIME = 2_000;
/** Time between two looks at whether all texts come. A node that said nothing at three of them is gone. Milliseconds. */
const LOOK = 2_000;
/** How long a text is sent again and again. Milliseconds. */
const PATIENCE = 5_000;
/** The same if Redis knows no such node: it may have lost all nodes. Milliseconds. */
const GONE_PATIENCE = 2_000;
/** Milliseconds. */
const RETRY = 50;

/** Bytes of a text before its frames: whether an answer is wanted, and how many bytes were read so far. */
const HEAD = 7;

/** What the user of a pipe hears of it. */
export interface PipeOwner {
  /** Whether requests are under way, so that a text that was lost must be noticed. */
  readonly isBusy: boolean;
  opened(pipe: RedisPipe): void;
  /** Throws `FrameError` for what it cannot read. */
  frame(frame: Frame): void;
  /** All was sent: there is room for more. */
  drained(): void;
  /** A batch was not sent, since it has more than so many bytes. */
  oversized(limit: number): void;
  closed(pipe: RedisPipe, ending: Ending): void;
}

/** The parts of a new pipe. */
export interface RedisPipeInit {
  readonly node: string;
  readonly peer: string;
  readonly keys: NodeKeys;
  readonly clock: Clock;
  /** Tells the other node a text. Rejects with `RedisError`. */
  readonly tell: (text: PipeText) => Promise<Told>;
  readonly owner: PipeOwner;
}

/**
 * Carries frames to another node through what Redis tells it, sealed, in numbered texts. A text whose outcome is unknown is sent again
 * under its number. The pipe ends when a text is lost.
 *
 *              sends           waits for
 *   opening    open            open, or the first text
 *   proving    first text      first text
 *   open       texts
 *   closed
 *
 * Both nodes may begin at the same time.
 */
export class RedisPipe implements Pipe {
  readonly id = randomHex(8);
  readonly peer: string;
  readonly #node: string;
  readonly #keys: NodeKeys;
  readonly #clock: Clock;
  readonly #tell: RedisPipeInit['tell'];
  readonly #owner: PipeOwner;
  readonly #reader = new FrameReader(FRAME_BYTES);
  readonly #waiting = new OutgoingBytes();
  #state: 'opening' | 'proving' | 'open' | 'closed' = 'opening';
  #other = '';
  #seal: Seal | undefined;
  #timer: Timer;
  #isFlushing = false;
  #isSending = false;
  // The bytes of the text that is on its way.
  #sending = 0;
  // A text has to be sent, also without frames: now, or at the next look.
  #mustTell = false;
  #owesText = false;
  #wasFull = false;
  #sent = 0;
  #received = 0;
  #sentBytes = 0;
  #confirmedBytes = 0;
  #readBytes = 0;
  #toldReadBytes = 0;
  #silence = 0;
  #idle: (() => void) | undefined;

  constructor({ node, peer, keys, clock, tell, owner }: RedisPipeInit) {
    this.#node = node;
    this.peer = peer;
    this.#keys = keys;
    this.#clock = clock;
    this.#tell = tell;
    this.#owner = owner;
    this.#timer = clock.after(GREETING_TIME, () =>
      this.cut({ why: 'the other node did not answer through Redis in time' }),
    );
  }

  /** The id of the other end; empty until it is known. */
  get other(): string {
    return this.#other;
  }

  get isOpening(): boolean {
    return this.#state === 'opening';
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isFull(): boolean {
    const isFull = this.#unsent > FULL;
    this.#wasFull ||= isFull;
    return isFull;
  }

  /** Begins the pipe. */
  begin(): void {
    void this.#deliver({ is: 'open', own: this.id, key: this.#keys.open });
  }

  /** The other node begins a pipe too, or alone. */
  meet(other: string, key: string): void {
    if (!this.#know(other, key)) return;
    this.#state = 'proving';
    this.#tellSoon();
  }

  send(kind: Kind, id: number, head?: string, body?: string): void {
    if (this.#state === 'closed') return;
    this.#waiting.add(kind, id, head, body);
    if (this.#unsent > MAX_UNSENT)
      this.cut({ why: `the other node does not read: ${MAX_UNSENT} bytes are unsent` });
    else this.#sendSoon();
  }

  fits(batch: string): boolean {
    if (3 * batch.length <= BATCH_BYTES || Buffer.byteLength(batch) <= BATCH_BYTES) return true;
    this.#owner.oversized(BATCH_BYTES);
    return false;
  }

  /** Takes a text of the other end. */
  take({ own, number, box, key }: Extract<PipeText, { is: 'data' }>): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'opening' && (key === undefined || !this.#know(own, key))) return;
    if (own !== this.#other || number <= this.#received) return;
    if (number > this.#received + 1) {
      this.cut({ why: `texts of the other node were lost: ${number - this.#received - 1}` });
      return;
    }
    const text = this.#seal?.open(number, box);
    if (text === undefined || text.length < HEAD) {
      const why = 'the other node has another secret: set the same "cluster.secret" on all nodes';
      this.cut({ why, refusal: 'secret' });
      return;
    }
    this.#received = number;
    this.#silence = 0;
    this.#confirmedBytes = text.readUIntBE(1, 6);
    if (this.#state !== 'open') this.#open();
    if (text[0] === 1) this.#owesText = true;
    this.#read(text.subarray(HEAD));
  }

  /** Ends the pipe and drops what is unsent. The other node is told, if it can be. */
  cut(ending: Ending, isLeaving = false): void {
    if (this.#state === 'closed') return;
    if (this.#other !== '')
      this.#tell({ is: 'close', other: this.#other, isLeaving }).catch(() => {
        // It learns it when it sends something.
      });
    this.ended(ending);
  }

  /** The other node has ended the pipe. */
  ended(ending: Ending): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#timer.cancel();
    this.#idle?.();
    this.#owner.closed(this, ending);
  }

  /** Resolves when all was sent, or the pipe is closed. */
  whenSent(): Promise<void> {
    if (this.#state !== 'open' || this.#unsent === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  get #unsent(): number {
    return this.#waiting.length + this.#sending;
  }

  #know(other: string, key: string): boolean {
    const [own, its] = [
      { node: this.#node, id: this.id },
      { node: this.peer, id: other },
    ];
    this.#seal = this.#keys.seal(key, own, its);
    this.#other = other;
    if (this.#seal !== undefined) return true;
    this.cut({ why: 'the other node gave no key of this format', fault: 'frame' });
    return false;
  }

  #open(): void {
    this.#state = 'open';
    this.#timer.cancel();
    this.#lookLater();
    // The other end waits for the first text of this one.
    if (this.#sent === 0) this.#tellSoon();
    this.#owner.opened(this);
  }

  #read(bytes: Buffer): void {
    try {
      this.#reader.read(bytes, (frame) => {
        if (this.#state === 'open') this.#owner.frame(frame);
      });
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.cut({ why: `the other node sent what is no frame: ${error.message}`, fault: 'frame' });
      return;
    }
    this.#readBytes += bytes.length;
    if (this.#readBytes - this.#toldReadBytes >= WINDOW / 4) this.#tellSoon();
    // The other end may have read what filled the window.
    if (this.#waiting.length > 0) this.#sendSoon();
  }

  #tellSoon(): void {
    this.#mustTell = true;
    this.#sendSoon();
  }

  #sendSoon(): void {
    if (this.#isFlushing || this.#isSending) return;
    this.#isFlushing = true;
    this.#clock.soon(() => {
      this.#isFlushing = false;
      void this.#sendAll();
    });
  }

  // One text at a time: what comes meanwhile goes together in the next one.
  async #sendAll(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#state !== 'closed' && (this.#mustTell || this.#room > 0)) {
      await this.#deliver(this.#next());
      this.#sending = 0;
    }
    this.#isSending = false;
    if (this.#unsent > 0) return;
    this.#idle?.();
    if (!this.#wasFull || this.#state !== 'open') return;
    this.#wasFull = false;
    this.#owner.drained();
  }

  /** Bytes that may be sent now. */
  get #room(): number {
    if (this.#state === 'opening') return 0;
    const window = WINDOW - (this.#sentBytes - this.#confirmedBytes);
    return Math.max(0, Math.min(PIECE, window, this.#waiting.length));
  }

  #next(): PipeText {
    const bytes = this.#waiting.take(this.#room);
    const head = Buffer.alloc(HEAD);
    head.writeUInt8(this.#owner.isBusy ? 1 : 0);
    head.writeUIntBE(this.#readBytes, 1, 6);
    this.#mustTell = false;
    this.#owesText = false;
    this.#toldReadBytes = this.#readBytes;
    this.#sending = bytes.length;
    this.#sentBytes += bytes.length;
    this.#sent += 1;
    const box = this.#seal?.close(this.#sent, Buffer.concat([head, bytes])) ?? '';
    const text = { is: 'data', own: this.id, other: this.#other, number: this.#sent, box } as const;
    return this.#sent === 1 ? { ...text, key: this.#keys.open } : text;
  }

  // Resolves when Redis has the text, or the pipe is closed.
  async #deliver(text: PipeText): Promise<void> {
    const began = this.#clock.now();
    let why = '';
    for (;;) {
      const told = await this.#tell(text).catch(asRedisError);
      if (told === 'told' || this.#isClosed) return;
      const waited = this.#clock.now() - began;
      if (told === 'gone') why = 'the other node has no lease';
      else why = told === 'not now' ? 'this node has no lease' : told.message;
      const isRefused = told instanceof RedisError && told.outcome === 'refused';
      if (isRefused || waited > PATIENCE || (told === 'gone' && waited > GONE_PATIENCE)) break;
      await new Promise<void>((resolve) => void this.#clock.after(RETRY, resolve));
      if (this.#isClosed) return;
    }
    this.cut({ why: `Redis did not take a text for the other node: ${why}` });
  }

  // While requests are under way, each end sends something from time to time: a text that is missing before it was lost.
  #lookLater(): void {
    this.#timer = this.#clock.after(LOOK, () => {
      const { isBusy } = this.#owner;
      this.#silence = isBusy ? this.#silence + 1 : 0;
      if (this.#silence > 3) {
        this.cut({ why: `the other node has been silent for ${3 * LOOK} ms` });
        return;
      }
      if (isBusy || this.#owesText) this.#tellSoon();
      this.#lookLater();
    });
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }
}

function asRedisError(error: unknown): RedisError {
  return error instanceof RedisError ? error : new RedisError('refused', String(error));
}
