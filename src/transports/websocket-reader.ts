import { isUtf8 } from 'node:buffer';
import { inflated } from './websocket-deflate.ts';
import { unmask } from './websocket-mask.ts';
import { UnfinishedInput } from './websocket-unfinished.ts';

const FIN = 0x80;
const RESERVED = 0x70;
const COMPRESSED = 0x40;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

/** Most fragments of a message: an endless flood of empty ones takes no memory, but time. */
const MAX_FRAGMENTS = 65_536;
/** The code with which a close frame without one is answered. */
const NORMAL = 1000;

/** The kinds of frames that are refused; each has a close code. */
export type FrameFault = 'protocol' | 'binary' | 'malformed' | 'too_large';

/** Where the frames of one WebSocket go. */
export interface FrameSink {
  /** False once nothing more is to be read. */
  readonly isOpen: boolean;
  /** The most that a message may have, after inflating. Bytes. */
  readonly maxLength: number;
  /** Whether compressed messages were agreed on. */
  readonly inflates: boolean;
  /** Input that has not come whole. Changed by the reader. */
  unfinished: UnfinishedInput | undefined;
  /** A whole text message came. */
  text(text: string): void;
  pinged(payload: Buffer): void;
  ponged(): void;
  /** A close frame came; the code is that of the answer. */
  endedByPeer(code: number): void;
  /** Ends the link, since the peer broke the protocol. */
  refuseFrame(fault: FrameFault, why: string): void;
  /** Ends the link, since a message has more than `maxLength`. */
  refuseSize(): void;
}

/**
 * Reads the frames in a chunk that a client sent (RFC 6455, 5). Changes the chunk: frames are unmasked in place. A frame that is whole in
 * the chunk is not copied. What is cut off at the end of the chunk is copied to `unfinished`.
 */
export function readFrames(sink: FrameSink, chunk: Buffer): void {
  const bytes = sink.unfinished?.withRest(chunk) ?? chunk;
  let at = 0;
  while (at < bytes.length && sink.isOpen) {
    const { unfinished } = sink;
    const next = unfinished?.isInFrame
      ? gather(sink, unfinished, bytes, at)
      : readFrame(sink, unfinished, bytes, at);
    if (next === at) {
      unfinishedOf(sink).keepRest(bytes, at);
      return;
    }
    at = next;
  }
  if (sink.unfinished?.isMessage === false) sink.unfinished = undefined;
}

/** Reads a frame, or the first part of one that is too long for the chunk. Returns where it ends; `at` if too little of it is there. */
function readFrame(
  sink: FrameSink,
  unfinished: UnfinishedInput | undefined,
  bytes: Buffer,
  at: number,
): number {
  const there = bytes.length - at;
  if (there < 2) return at;
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  if (
    (first !== (FIN | TEXT) || second < MASKED || unfinished !== undefined) &&
    isRefused(sink, first, second)
  )
    return bytes.length;
  const short = second & LENGTH;
  const header = short < 126 ? 6 : short === 126 ? 8 : 14;
  if (there < header) return at;
  const start = at + header;
  const length = short < 126 ? short : lengthAt(bytes, at + 2, short);
  const mask = bytes.readInt32LE(start - 4);
  const end = start + length;
  const opcode = first & OPCODE;
  if (opcode >= CLOSE) {
    if (end > bytes.length) return at;
    unmask(bytes, start, end, mask);
    control(sink, opcode, bytes.subarray(start, end));
    return end;
  }
  if (length + (unfinished?.length ?? 0) > sink.maxLength) {
    sink.refuseSize();
    return bytes.length;
  }
  if (first === (FIN | TEXT) && end <= bytes.length) {
    unmask(bytes, start, end, mask);
    decode(sink, bytes, start, end);
    return end;
  }
  const message = unfinishedOf(sink);
  message.begin(length, mask, (first & FIN) !== 0, (first & COMPRESSED) !== 0);
  return gather(sink, message, bytes, start);
}

function unfinishedOf(sink: FrameSink): UnfinishedInput {
  sink.unfinished ??= new UnfinishedInput();
  return sink.unfinished;
}

function lengthAt(bytes: Buffer, at: number, short: number): number {
  return short === 126
    ? bytes.readUInt16BE(at)
    : bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}

function isRefused(sink: FrameSink, first: number, second: number): boolean {
  const why = faultOf(sink, first, second);
  if (why !== undefined) sink.refuseFrame('protocol', why);
  else if ((first & OPCODE) === BINARY) sink.refuseFrame('binary', 'a binary frame came: send text');
  return !sink.isOpen;
}

/** What is wrong with the first two bytes of a frame. */
function faultOf({ inflates, unfinished }: FrameSink, first: number, second: number): string | undefined {
  const opcode = first & OPCODE;
  const isContinued = unfinished?.isMessage ?? false;
  if (second < MASKED) return 'a frame is not masked';
  if ((first & RESERVED) !== 0) {
    const mayBeCompressed = inflates && (opcode === TEXT || opcode === BINARY);
    if (!mayBeCompressed || (first & RESERVED) !== COMPRESSED) return 'a frame has reserved bits';
  }
  if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) return 'a frame has an unknown opcode';
  if (opcode >= CLOSE) {
    if ((first & FIN) === 0) return 'a control frame is in fragments';
    return (second & LENGTH) > 125 ? 'a control frame has more than 125 bytes' : undefined;
  }
  if (opcode === CONTINUATION && !isContinued) return 'a fragment belongs to no message';
  if (opcode !== CONTINUATION && isContinued) return 'a message begins before the last has ended';
  return undefined;
}

/** Takes payload of the frame under way; the message may be whole with it. Returns where that ends. */
function gather(sink: FrameSink, message: UnfinishedInput, bytes: Buffer, at: number): number {
  const end = message.gather(bytes, at);
  if (message.isInFrame) return end;
  if (message.isWhole) {
    sink.unfinished = undefined;
    deliver(sink, message);
  } else if (message.fragments === MAX_FRAGMENTS) {
    sink.refuseFrame('too_large', `a message has more than ${MAX_FRAGMENTS} fragments`);
  }
  return end;
}

function deliver(sink: FrameSink, message: UnfinishedInput): void {
  if (!message.isCompressed) {
    decode(sink, message.bytes, 0, message.length);
    return;
  }
  let bytes: Buffer;
  try {
    bytes = inflated(message.bytes.subarray(0, message.length), sink.maxLength);
  } catch (error) {
    if (error instanceof RangeError) sink.refuseSize();
    else sink.refuseFrame('malformed', 'a message does not inflate');
    return;
  }
  decode(sink, bytes, 0, bytes.length);
}

// Decoding puts U+FFFD in the place of malformed bytes. A text without it needs no other check, which is cheaper than checking each text.
function decode(sink: FrameSink, bytes: Buffer, start: number, end: number): void {
  const text = bytes.toString('utf8', start, end);
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)))
    sink.refuseFrame('malformed', 'a message is not UTF-8');
  else sink.text(text);
}

function control(sink: FrameSink, opcode: number, payload: Buffer): void {
  if (opcode === PING) sink.pinged(payload);
  else if (opcode === PONG) sink.ponged();
  else if (payload.length === 0) sink.endedByPeer(NORMAL);
  else if (isCloseCode(payload.length === 1 ? 0 : payload.readUInt16BE(0)) && isUtf8(payload.subarray(2)))
    sink.endedByPeer(payload.readUInt16BE(0));
  else sink.refuseFrame('protocol', 'a close frame has a wrong code, or words that are not UTF-8');
}

// RFC 6455, 7.4, and the registry of close codes: 1004 is not in use, 1005 and 1006 are not for the wire.
function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
