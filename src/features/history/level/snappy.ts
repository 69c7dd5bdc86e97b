import { Varints } from './varint.ts';

/** Decompresses a block of LevelDB, whose checksum was verified. Format: google/snappy, format_description.txt. */
export function unsnappy(bytes: Buffer): Buffer {
  const varints = new Varints(bytes);
  const whole = Buffer.alloc(varints.next());
  let written = 0;
  for (let at = varints.at; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    at += 1;
    const extra = extraOf(tag);
    const number = extra === 0 ? 0 : bytes.readUIntLE(at, extra);
    at += extra;
    if ((tag & 3) === 0) {
      const length = 1 + (extra === 0 ? tag >>> 2 : number);
      written += bytes.copy(whole, written, at, at + length);
      at += length;
    } else {
      const from = written - ((tag & 3) === 1 ? ((tag >>> 5) << 8) | number : number);
      const length = (tag & 3) === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2);
      // Byte by byte: a copy may overlap its own target.
      for (let byte = 0; byte < length; byte += 1) whole[written + byte] = whole[from + byte] ?? 0;
      written += length;
    }
  }
  return whole;
}

/** Number of bytes after a tag that belong to it: the length of a long literal, or the offset of a copy. */
function extraOf(tag: number): number {
  if ((tag & 3) === 0) return Math.max(0, (tag >>> 2) - 59);
  return [0, 1, 2, 4][tag & 3] ?? 0;
}
