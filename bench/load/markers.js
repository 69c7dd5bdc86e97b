// Every publish has two marks of fixed width, which are found by one byte, without parsing JSON: `~#` in its
// data, which each delivery repeats, and `~@` in its id, which the reply repeats. Both continue with
// SSSSSS.QQQQQQQQQ~: the stream, and the number in the stream.

const TILDE = 126;
const STREAM_DIGITS = 6;
const NUMBER_DIGITS = 9;
const LENGTH = 2 + STREAM_DIGITS + 1 + NUMBER_DIGITS + 1;

export const eventMark = { tag: 35, text: `~#${'0'.repeat(STREAM_DIGITS)}.${'0'.repeat(NUMBER_DIGITS)}~` };
export const replyMark = { tag: 64, text: `~@${'0'.repeat(STREAM_DIGITS)}.${'0'.repeat(NUMBER_DIGITS)}~` };

const DOT = 2 + STREAM_DIGITS;

/**
 * Reads the marks between two positions into runs: each is stream, first number, last number. Overwrites the
 * byte at `end` as a sentinel, and restores it.
 *
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} end
 * @param {{ tag: number }} mark
 * @param {number[]} runs Its old contents are removed.
 * @returns {number} Position of the first mark, or -1.
 */
export function readMarks(bytes, start, end, { tag }, runs) {
  runs.length = 0;
  let first = -1;
  const kept = bytes[end];
  bytes[end] = TILDE;
  let at = bytes.indexOf(TILDE, start);
  while (at + LENGTH <= end) {
    if (bytes[at + 1] === tag && bytes[at + DOT] === 46 && bytes[at + LENGTH - 1] === TILDE) {
      if (first < 0) first = at;
      push(runs, digits(bytes, at + 2, STREAM_DIGITS), digits(bytes, at + DOT + 1, NUMBER_DIGITS));
      at = bytes.indexOf(TILDE, at + LENGTH);
    } else {
      at = bytes.indexOf(TILDE, at + 1);
    }
  }
  bytes[end] = /** @type {number} */ (kept);
  return first;
}

/** @param {number[]} runs @param {number} stream @param {number} number */
function push(runs, stream, number) {
  const last = runs.length - 1;
  if (last > 0 && runs[last - 2] === stream && runs[last] === number - 1) runs[last] = number;
  else runs.push(stream, number, number);
}

/** @param {Buffer} bytes @param {number} at @param {number} width */
function digits(bytes, at, width) {
  let value = 0;
  for (let end = at + width; at < end; at++) value = value * 10 + bytes[at] - 48;
  return value;
}

/**
 * Overwrites the digits of a mark.
 *
 * @param {(at: number, width: number, value: number) => void} put
 * @param {number} at
 * @param {number} stream
 * @param {number} number
 */
export function writeMark(put, at, stream, number) {
  put(at + 2, STREAM_DIGITS, stream);
  put(at + DOT + 1, NUMBER_DIGITS, number);
}
