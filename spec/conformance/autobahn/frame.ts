export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

interface Bits {
  readonly fin?: boolean;
  /** The three reserved bits as a number: 4 is the first. */
  readonly rsv?: number;
}

/** A frame of a client: masked. */
export function frame(
  opcode: number,
  payload: string | Buffer = '',
  { fin = true, rsv = 0 }: Bits = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([
    Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]),
    lengthOf(bytes),
    Buffer.from(mask),
    bytes,
  ]);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 126) return Buffer.from([0x80 | length]);
  if (length < 65_536) return Buffer.from([0xfe, length >> 8, length & 255]);
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xff;
  bytes.writeUIntBE(length, 3, 6);
  return bytes;
}

/** A message in fragments of so many bytes each. */
export function fragments(opcode: number, message: Buffer, size: number, rsv = 0): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const bits = { fin: at + size >= message.length, rsv: at === 0 ? rsv : 0 };
    frames.push(frame(at === 0 ? opcode : CONTINUATION, message.subarray(at, at + size), bits));
  }
  return Buffer.concat(frames);
}

/** A message in fragments that end where these parts end. */
export function parts(opcode: number, ...contents: readonly (string | Buffer)[]): Buffer[] {
  return contents.map((content, at) =>
    frame(at === 0 ? opcode : CONTINUATION, content, { fin: at === contents.length - 1 }),
  );
}

/** A close frame. */
export function close(code: number, reason: string | Buffer = ''): Buffer {
  return frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
}
