import { constants, deflateRawSync } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import { encodeBatch, type Outgoing, OutgoingReply } from '../protocol/outgoing.ts';

const FIN = 0x80;
const COMPRESSED = 0x40;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

export const pingFrame = Buffer.from([FIN | PING, 0]);

/** Answers a ping with what it carried. */
export function pongFrame(payload: Buffer): Buffer {
  const frame = begin(PONG, payload.length);
  payload.copy(frame, 2);
  return frame;
}

/** A close frame with a code and, if there is more to say, a few words of ASCII. */
export function closeFrame(code: number, why = ''): Buffer {
  return Buffer.from([FIN | CLOSE, 2 + why.length, code >> 8, code & 0xff, ...Buffer.from(why)]);
}

/**
 * A frame of bytes, or of characters that are a byte each (`latin1`). Node writes a short string without a buffer for it, which saves a
 * tenth of the write.
 */
export type Frame = Buffer | string;

/** Bytes up to which Node writes a string without a buffer. */
const SHORT = 16_384;

/** A text frame; `length` is that of the text in bytes. A server does not mask frames, so all receivers can share the bytes. */
export function textFrame(text: string, length = Buffer.byteLength(text)): Buffer {
  const frame = begin(TEXT, length);
  frame.write(text, frame.length - length, text.length === length ? 'latin1' : 'utf8');
  return frame;
}

/** A text frame that has one receiver. */
export function ownFrame(text: string, length = Buffer.byteLength(text)): Frame {
  if (text.length !== length || length > SHORT) return textFrame(text, length);
  if (length < 126) return String.fromCharCode(FIN | TEXT, length) + text;
  return String.fromCharCode(FIN | TEXT, 126, length >> 8, length & 0xff) + text;
}

/** Bytes below which a text costs more to compress than it saves. */
const WORTH_COMPRESSING = 512;

/** A compressed text frame (RFC 7692) without context takeover, so that all receivers can share it too. */
export function deflatedFrame(text: string, length = Buffer.byteLength(text)): Buffer {
  if (length < WORTH_COMPRESSING) return textFrame(text, length);
  // RFC 7692, 7.2.1: the four bytes that end every flush are left out.
  const payload = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const frame = begin(COMPRESSED | TEXT, payload.length);
  payload.copy(frame, frame.length - payload.length);
  return frame;
}

function begin(kind: number, length: number): Buffer {
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + length);
    frame[0] = FIN | kind;
    frame[1] = length;
    return frame;
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + length);
    frame[0] = FIN | kind;
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = FIN | kind;
  frame[1] = 127;
  frame.writeUIntBE(0, 2, 2);
  frame.writeUIntBE(length, 4, 6);
  return frame;
}

/** A batch that several sessions get. */
interface SharedBatch {
  readonly batch: readonly Outgoing[];
  /** Without the bracket at its end. */
  readonly text: string;
  /** Of that text. */
  readonly bytes: number;
  frame: Buffer | undefined;
}

/** The limits of one frame. */
export interface FrameLimits {
  /** Bytes of text before compression (DL-11). Only a single message may have more. */
  readonly maxFlushBytes: number;
  /** Messages; 0 is no limit. */
  readonly messagesPerFrame: number;
}

/**
 * Builds the frame of a batch of events once per turn: all sessions with the same events share its bytes, and its text where the reply of
 * a session stands behind the events. A batch that is too large for one frame takes several, one behind the other in the same bytes.
 */
export class Frames {
  readonly deflates: boolean;
  readonly #clock: Clock;
  readonly #limits: FrameLimits;
  #byFirst = new Map<Outgoing | undefined, SharedBatch>();
  #last: SharedBatch | undefined;
  #built = 0;

  constructor(deflates: boolean, clock: Clock, limits: FrameLimits) {
    this.deflates = deflates;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Batches built so far, those of replies included. */
  get built(): number {
    return this.#built;
  }

  /** The frames that carry this batch. They are shared: do not change them. */
  of(batch: readonly Outgoing[]): Frame {
    const reply = batch[batch.length - 1];
    if (reply instanceof OutgoingReply) return this.#withReply(batch, reply);
    const shared = this.#shared(batch);
    shared.frame ??= this.#encode(batch, `${shared.text}]`, shared.bytes + 1);
    return shared.frame;
  }

  // The reply goes to one client only, so the frame is not kept.
  #withReply(batch: readonly Outgoing[], reply: OutgoingReply): Frame {
    this.#built += 1;
    const before = batch[batch.length - 2];
    let text: string;
    let bytes: number;
    if (before === undefined || before instanceof OutgoingReply) {
      text = encodeBatch(batch);
      bytes = Buffer.byteLength(text);
    } else {
      const events = this.#shared(batch.slice(0, -1));
      text = `${events.text},${reply.json}]`;
      bytes = events.bytes + reply.bytes + 2;
    }
    const isPlain = !this.deflates && this.#fits(batch, bytes);
    return isPlain ? ownFrame(text, bytes) : this.#encode(batch, text, bytes);
  }

  #shared(batch: readonly Outgoing[]): SharedBatch {
    const last = this.#last;
    if (last !== undefined && isSame(last.batch, batch)) return last;
    const known = this.#byFirst.get(batch[0]);
    if (known !== undefined && isSame(known.batch, batch)) return known;
    this.#built += 1;
    if (last === undefined) this.#clock.soon(this.#forget);
    const text = encodeBatch(batch).slice(0, -1);
    this.#last = { batch, text, bytes: Buffer.byteLength(text), frame: undefined };
    this.#byFirst.set(batch[0], this.#last);
    return this.#last;
  }

  #encode(batch: readonly Outgoing[], text: string, bytes: number): Buffer {
    if (this.#fits(batch, bytes)) return this.deflates ? deflatedFrame(text, bytes) : textFrame(text, bytes);
    const frames = partsOf(batch, this.#limits).map((part) => {
      const own = encodeBatch(part);
      return this.#encode(part, own, Buffer.byteLength(own));
    });
    return Buffer.concat(frames);
  }

  #fits({ length }: readonly Outgoing[], bytes: number): boolean {
    const { maxFlushBytes, messagesPerFrame } = this.#limits;
    return length === 1 || (bytes <= maxFlushBytes && (messagesPerFrame === 0 || length <= messagesPerFrame));
  }

  // All sessions that share a batch send it in the same turn.
  readonly #forget = (): void => {
    this.#last = undefined;
    // Not `clear()`, which links the old table to the new one: once some of it is old, all entries outlive scavenges.
    this.#byFirst = new Map();
  };
}

/** Each part has as many messages as one frame may carry, and at least one. */
function partsOf(batch: readonly Outgoing[], { maxFlushBytes, messagesPerFrame }: FrameLimits): Outgoing[][] {
  const parts: Outgoing[][] = [];
  let part: Outgoing[] = [];
  // The brackets take two bytes. Each message counts with a comma, which is one comma too many.
  let bytes = 1;
  for (const message of batch) {
    bytes += message.bytes + 1;
    if (part.length > 0 && (bytes > maxFlushBytes || part.length === messagesPerFrame)) {
      parts.push(part);
      part = [];
      bytes = 1 + message.bytes + 1;
    }
    part.push(message);
  }
  return [...parts, part];
}

function isSame(one: readonly Outgoing[], other: readonly Outgoing[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
