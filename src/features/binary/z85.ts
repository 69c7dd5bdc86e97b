// BN-3: ZeroMQ's alphabet, in the order of the values of its digits.
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const HIGHEST = ALPHABET.length - 1;
const MAX_GROUP = 2 ** 32 - 1;

const digits = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value += 1) digits[ALPHABET.charCodeAt(value)] = value;

/** Encodes bytes: four bytes become five digits, a tail of r bytes r + 1 digits (ZeroMQ's Z85 with CometD's tails). */
export function encode(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) text += encodeGroup(bytes, at);
  return text;
}

function encodeGroup(bytes: Uint8Array, at: number): string {
  const count = Math.min(4, bytes.length - at);
  let group = 0;
  for (let byte = 0; byte < 4; byte += 1) group = group * 256 + (bytes[at + byte] ?? 0);
  let five = '';
  for (let digit = 0; digit < 5; digit += 1) {
    five = ALPHABET.charAt(group % 85) + five;
    group = Math.floor(group / 85);
  }
  return five.slice(0, count + 1);
}

/** Decodes a text; undefined when the text is invalid (BN-4). */
export function decode(text: string): Uint8Array | undefined {
  const tail = text.length % 5;
  if (tail === 1) return undefined;
  const bytes = new Uint8Array(Math.floor(text.length / 5) * 4 + Math.max(0, tail - 1));
  for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
    const group = decodeGroup(text, at);
    if (group > MAX_GROUP || Number.isNaN(group)) return undefined;
    for (let byte = 0; byte < 4 && to + byte < bytes.length; byte += 1) {
      bytes[to + byte] = group >>> (24 - 8 * byte);
    }
  }
  return bytes;
}

// Missing digits count as the highest one, so that the leading bytes are correct.
function decodeGroup(text: string, at: number): number {
  let group = 0;
  for (let digit = at; digit < at + 5; digit += 1) {
    const value = digit < text.length ? (digits[text.charCodeAt(digit)] ?? -1) : HIGHEST;
    group = value < 0 ? Number.NaN : group * 85 + value;
  }
  return group;
}
