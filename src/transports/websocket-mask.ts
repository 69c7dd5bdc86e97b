/** Payloads below this size are unmasked byte by byte: a view of words costs more than it saves. Bytes. */
const SMALL = 200;

/**
 * Unmasks these bytes in place (RFC 6455, 5.3). `mask` has the first byte of the masking key in its lowest bits. Returns the mask of
 * the byte at `end`.
 */
export function unmask(bytes: Buffer, start: number, end: number, mask: number): number {
  if (end - start < SMALL) return unmaskBytes(bytes, start, end, mask);
  // A view of words starts at a multiple of four.
  const from = start + (-(bytes.byteOffset + start) & 3);
  const turned = unmaskBytes(bytes, start, from, mask);
  const count = (end - from) >> 2;
  unmaskWords(new Int32Array(bytes.buffer, bytes.byteOffset + from, count), turned);
  return unmaskBytes(bytes, from + count * 4, end, turned);
}

function unmaskBytes(bytes: Buffer, start: number, end: number, mask: number): number {
  let at = start;
  for (; at < end - 3; at += 4) {
    (bytes[at] as number) ^= mask;
    (bytes[at + 1] as number) ^= mask >>> 8;
    (bytes[at + 2] as number) ^= mask >>> 16;
    (bytes[at + 3] as number) ^= mask >>> 24;
  }
  let turned = mask;
  for (; at < end; at += 1) {
    (bytes[at] as number) ^= turned;
    turned = (turned >>> 8) | (turned << 24);
  }
  return turned;
}

// Eight at a time: the check of each bound is what takes the time.
function unmaskWords(words: Int32Array, mask: number): void {
  const { length } = words;
  let at = 0;
  for (; at < length - 7; at += 8) {
    (words[at] as number) ^= mask;
    (words[at + 1] as number) ^= mask;
    (words[at + 2] as number) ^= mask;
    (words[at + 3] as number) ^= mask;
    (words[at + 4] as number) ^= mask;
    (words[at + 5] as number) ^= mask;
    (words[at + 6] as number) ^= mask;
    (words[at + 7] as number) ^= mask;
  }
  for (; at < length; at += 1) (words[at] as number) ^= mask;
}
