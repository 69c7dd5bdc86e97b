import { unmask } from './websocket-mask.ts';

/** Memory of the object besides its bytes. */
const OBJECT = 200;
/** The first room for a message. Bytes. */
const FIRST = 512;

const NONE = Buffer.alloc(0);

/**
 * What a WebSocket keeps of input that has not come whole. An idle socket has none of these.
 *
 * The payload of a message is gathered in one buffer, whatever the number of its frames and of the chunks they come in. The buffer grows
 * with what has come, not with what was announced: it has at most twice the bytes of the message.
 */
export class UnfinishedInput {
  /** The payload of the message so far; its first `length` bytes. */
  bytes: Buffer = NONE;
  length = 0;
  fragments = 0;
  /** Whether a message has begun. */
  isMessage = false;
  isCompressed = false;
  /** Whether payload of a frame is still to come. */
  isInFrame = false;
  // The start of a frame: a header or a control frame, at most 130 bytes.
  #rest = NONE;
  // The frame under way.
  #missing = 0;
  #mask = 0;
  #isLast = false;

  /** Whether the message has come whole. */
  get isWhole(): boolean {
    return this.#isLast && !this.isInFrame;
  }

  /** Memory in use. Bytes. */
  get held(): number {
    return OBJECT + this.bytes.length + this.#rest.length;
  }

  /** Keeps the start of a frame. */
  keepRest(bytes: Buffer, at: number): void {
    this.#rest = Buffer.allocUnsafeSlow(bytes.length - at);
    bytes.copy(this.#rest, 0, at);
  }

  /** The chunk behind what was kept. */
  withRest(chunk: Buffer): Buffer {
    if (this.#rest.length === 0) return chunk;
    const bytes = Buffer.concat([this.#rest, chunk]);
    this.#rest = NONE;
    return bytes;
  }

  /** A data frame begins. */
  begin(length: number, mask: number, isLast: boolean, isCompressed: boolean): void {
    if (!this.isMessage) this.isCompressed = isCompressed;
    this.isMessage = true;
    this.fragments += 1;
    this.isInFrame = true;
    this.#missing = length;
    this.#mask = mask;
    this.#isLast = isLast;
  }

  /** Takes as much of the frame under way as is there. Returns where that ends. */
  gather(bytes: Buffer, at: number): number {
    const more = Math.min(this.#missing, bytes.length - at);
    if (more > 0) {
      this.#makeRoom(more);
      bytes.copy(this.bytes, this.length, at, at + more);
      this.#mask = unmask(this.bytes, this.length, this.length + more, this.#mask);
      this.length += more;
      this.#missing -= more;
    }
    this.isInFrame = this.#missing > 0;
    return at + more;
  }

  #makeRoom(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const room = Math.max(FIRST, 2 * needed);
    // Of the last frame it is known how much will be needed at most.
    const grown = Buffer.allocUnsafeSlow(this.#isLast ? Math.min(room, this.length + this.#missing) : room);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
