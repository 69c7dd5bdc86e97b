import { constants, deflateRawSync } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import { encodeBatch, type Outgoing, OutgoingReply } from '../protocol/outgoing.ts';

const FIN = 0x80;
const COMPRESSED = 0x40;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const COMMA = 0x2c;
const CLOSING = 0x5d;

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

/** A text frame; `length` is that of the text in bytes. A server does not mask frames, so all receivers can share the bytes. */
export function textFrame(text: string, length = Buffer.byteLength(text)): Buffer {
  const frame = begin(TEXT, length);
  frame.write(text, frame.length - length);
  return frame;
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

/** Bytes of the header of an unmasked frame. */
function headerOf(frame: Buffer): number {
  const length = frame[1] as number;
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

interface Built {
  readonly batch: readonly Outgoing[];
  readonly frame: Buffer;
}

/** The limits of one frame. */
export interface FrameLimits {
  /** Bytes of text before compression (DL-11). Only a single message may have more. */
  readonly maxFlushBytes: number;
  /** Messages; 0 is no limit. */
  readonly messagesPerFrame: number;
}

/**
 * Builds the frame of a batch of events once per turn: all sessions with the same events share its bytes. A
 * batch that is too large for one frame takes several, one behind the other in the same bytes.
 */
export class Frames {
  readonly #make: (text: string, length: number) => Buffer;
  readonly #clock: Clock;
  readonly #limits: FrameLimits;
  #byFirst = new Map<Outgoing | undefined, Built>();
  #last: Built | undefined;
  #built = 0;

  constructor(make: (text: string, length: number) => Buffer, clock: Clock, limits: FrameLimits) {
    this.#make = make;
    this.#clock = clock;
    this.#limits = limits;
  }

  get deflates(): boolean {
    return this.#make === deflatedFrame;
  }

  /** Batches built so far, those of replies included. */
  get built(): number {
    return this.#built;
  }

  /** The frames that carry this batch. They are shared: do not change them. */
  of(batch: readonly Outgoing[]): Buffer {
    const last = this.#last;
    if (last !== undefined && isSame(last.batch, batch)) return last.frame;
    const known = this.#byFirst.get(batch[0]);
    if (known !== undefined && isSame(known.batch, batch)) return known.frame;
    const reply = batch[batch.length - 1];
    const joined = reply instanceof OutgoingReply ? this.#behindEvents(batch, reply) : undefined;
    return joined ?? this.#build(batch);
  }

  // The frame of the events, which other sessions share, gets the reply of this session behind the last event.
  #behindEvents(batch: readonly Outgoing[], reply: OutgoingReply): Buffer | undefined {
    const { maxFlushBytes, messagesPerFrame } = this.#limits;
    const event = batch[batch.length - 2];
    if (event === undefined || event instanceof OutgoingReply || this.deflates) return undefined;
    if (messagesPerFrame !== 0 && batch.length > messagesPerFrame) return undefined;
    const events = this.of(batch.slice(0, -1));
    const start = headerOf(events);
    const { json, bytes } = reply;
    const length = events.length - start + 1 + bytes;
    // Several frames of events have more bytes than one frame may carry, too.
    if (length > maxFlushBytes) return undefined;
    this.#built += 1;
    const frame = begin(TEXT, length);
    const at = frame.length - bytes - 2;
    events.copy(frame, at - (events.length - start - 1), start, events.length - 1);
    frame[at] = COMMA;
    frame.write(json, at + 1);
    frame[frame.length - 1] = CLOSING;
    return frame;
  }

  #build(batch: readonly Outgoing[]): Buffer {
    this.#built += 1;
    const frame = this.#encode(batch);
    // A reply goes to one client only: its frame is not kept.
    if (batch[batch.length - 1] instanceof OutgoingReply) return frame;
    if (this.#last === undefined) this.#clock.soon(this.#forget);
    this.#last = { batch, frame };
    this.#byFirst.set(batch[0], this.#last);
    return frame;
  }

  #encode(batch: readonly Outgoing[]): Buffer {
    const { maxFlushBytes, messagesPerFrame } = this.#limits;
    if (messagesPerFrame === 0 || batch.length <= messagesPerFrame) {
      const text = encodeBatch(batch);
      const length = Buffer.byteLength(text);
      if (length <= maxFlushBytes || batch.length === 1) return this.#make(text, length);
    }
    return Buffer.concat(partsOf(batch, this.#limits).map((part) => this.#encode(part)));
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
