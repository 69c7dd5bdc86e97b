import { eventMark, readMarks } from './markers.js';

const SLOTS = 256;
const META = Buffer.from('"/meta/');

/**
 * The contents of one WebSocket frame or HTTP body: runs of events, and whether it has a meta message.
 *
 * @typedef {{ runs: ArrayLike<number>, meta: boolean }} Reading
 */

/**
 * Parses events. A server sends the same bytes to every subscriber, so the reader compares each delivery with
 * earlier ones, byte by byte, and parses only new ones.
 */
export class FrameReader {
  /** @type {(Reading & { bytes: Buffer } | undefined)[]} */
  #slots = new Array(SLOTS);
  /** @type {number[]} */
  #runs = [];
  /** Position of the first mark in the last frame. */
  #hint = 0;

  /** @param {Buffer} bytes @param {number} start @param {number} end @returns {Reading} */
  read(bytes, start, end) {
    const slot = this.#slotOf(bytes, start, end);
    const known = this.#slots[slot];
    if (known && known.bytes.length === end - start && known.bytes.compare(bytes, start, end) === 0)
      return known;
    const first = readMarks(bytes, start, end, eventMark, this.#runs);
    if (first < 0) return { runs: [], meta: true };
    this.#hint = first - start;
    const copy = Buffer.from(bytes.subarray(start, end));
    const reading = { bytes: copy, runs: Int32Array.from(this.#runs), meta: copy.includes(META) };
    this.#slots[this.#slotOf(bytes, start, end)] = reading;
    return reading;
  }

  /** Chosen by length and the last two digits of the first number, so that consecutive frames get different slots. */
  #slotOf(/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ end) {
    const digits = start + this.#hint + 16;
    if (digits + 1 >= end) return 0;
    return ((end - start) * 7 + bytes[digits] * 10 + bytes[digits + 1]) % SLOTS;
  }
}
