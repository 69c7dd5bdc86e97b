import { Gathered } from '../lib/gathered.ts';

/** The frames of a link. The first four are the same in every format. */
export const kinds = {
  hello: 1,
  proof: 2,
  go: 3,
  refuse: 4,
  ping: 5,
  pong: 6,
  // From the node that a client came to.
  request: 10,
  batch: 11,
  stream: 12,
  settled: 13,
  moved: 14,
  large: 15,
  gone: 16,
  cede: 17,
  vacate: 18,
  // From the node of the session.
  send: 30,
  end: 31,
  bind: 32,
  unbind: 33,
  done: 34,
  joined: 35,
  // From either.
  ask: 40,
  answer: 41,
} as const;

export type Kind = (typeof kinds)[keyof typeof kinds];

/**
 * One frame: `length` of all that follows (4 bytes), `kind` (1), `id` of what it is about (4), `head` with its length (4), and
 * `body`, which is all that is left. Head and body are UTF-8.
 */
export interface Frame {
  readonly kind: number;
  readonly id: number;
  readonly head: string;
  readonly body: string;
}

const LENGTH = 4;
/** Kind, id and length of the head. */
const FIXED = 9;

/** Bytes of a block that several frames share. */
const BLOCK = 65_536;

/** Encodes frames into blocks of memory, so that the frames of one turn are one write. */
export class FrameWriter {
  #block: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #full: Buffer[] = [];
  /** Of the frames that were not taken. Bytes. */
  bytes = 0;

  add(kind: Kind, id: number, head = '', body = ''): void {
    const headBytes = Buffer.byteLength(head);
    const size = LENGTH + FIXED + headBytes + Buffer.byteLength(body);
    if (this.#to + size > this.#block.length) this.#next(size);
    const block = this.#block;
    let at = block.writeUInt32BE(size - LENGTH, this.#to);
    at = block.writeUInt8(kind, at);
    at = block.writeUInt32BE(id, at);
    at = block.writeUInt32BE(headBytes, at);
    at += block.write(head, at);
    block.write(body, at);
    this.#to += size;
    this.bytes += size;
  }

  /** The frames since the last call, in order. */
  take(): readonly Buffer[] {
    this.#cut();
    const all = this.#full;
    this.#full = [];
    this.bytes = 0;
    return all;
  }

  #next(size: number): void {
    this.#cut();
    this.#block = Buffer.allocUnsafeSlow(Math.max(size, BLOCK));
    this.#from = 0;
    this.#to = 0;
  }

  #cut(): void {
    if (this.#to > this.#from) this.#full.push(this.#block.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}

/** The peer sent what is no frame, or a frame above the limit. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Decodes frames from bytes as they come. A frame above the limit is refused before memory is taken for it. */
export class FrameReader {
  /** Of one frame. Bytes. */
  maxBytes: number;
  #part: Gathered | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Calls `onFrame` with each frame that is complete. It may change `maxBytes`. Throws `FrameError`, and what `onFrame` throws. */
  read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let bytes = chunk;
    while (bytes.length > 0) {
      const part = this.#part;
      if (part === undefined && bytes.length >= LENGTH) {
        const size = this.#sizeIn(bytes);
        if (bytes.length >= size) {
          onFrame(decoded(bytes, size));
          bytes = bytes.subarray(size);
          continue;
        }
      }
      bytes = this.#gather(part ?? this.#begin(), bytes, onFrame);
    }
  }

  #begin(): Gathered {
    this.#part = new Gathered(this.maxBytes);
    return this.#part;
  }

  // Takes the length first, then the rest of the frame. Returns the bytes behind it.
  #gather(part: Gathered, bytes: Buffer, onFrame: (frame: Frame) => void): Buffer {
    let used = 0;
    if (part.length < LENGTH) {
      used = Math.min(LENGTH - part.length, bytes.length);
      part.add(bytes.subarray(0, used));
      if (part.length < LENGTH) return bytes.subarray(used);
    }
    const size = this.#sizeIn(part.bytes);
    const more = Math.min(size - part.length, bytes.length - used);
    if (more > 0) part.add(bytes.subarray(used, used + more));
    if (part.length === size) {
      this.#part = undefined;
      onFrame(decoded(part.bytes, size));
    }
    return bytes.subarray(used + more);
  }

  #sizeIn(bytes: Buffer): number {
    const length = bytes.readUInt32BE(0);
    if (length < FIXED) throw new FrameError(`a frame of ${length} bytes is too short`);
    if (LENGTH + length > this.maxBytes)
      throw new FrameError(`a frame of ${length} bytes is above the limit of ${this.maxBytes}`);
    return LENGTH + length;
  }
}

function decoded(bytes: Buffer, size: number): Frame {
  const headBytes = bytes.readUInt32BE(LENGTH + 5);
  const bodyAt = LENGTH + FIXED + headBytes;
  if (bodyAt > size) throw new FrameError('the head of a frame is longer than the frame');
  return {
    kind: bytes.readUInt8(LENGTH),
    id: bytes.readUInt32BE(LENGTH + 1),
    head: bytes.toString('utf8', LENGTH + FIXED, bodyAt),
    body: bytes.toString('utf8', bodyAt, size),
  };
}
