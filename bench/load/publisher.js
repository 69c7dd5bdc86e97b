import { nowUs } from './clock.js';
import { eventMark, replyMark, writeMark } from './markers.js';

const CHANNEL_DIGITS = 6;
const SHORT = 200;
const VOCABULARY = 'price volume order bid ask last change open close high low time market name status'.split(
  ' ',
);

/** @param {number} index */
export function channelName(index) {
  return `/bench/c${String(index).padStart(CHANNEL_DIGITS, '0')}`;
}

/** Publishes to its streams in turn. It builds the request once; each publish copies the request and writes the digits. */
export class Publisher {
  #streams;
  #turn = 0;
  #conduit;
  #ledger;
  #channels;
  #batch;
  /** @type {{ bytes: Buffer, start: number, key: Buffer }} */
  #template;
  #length;
  #places;
  /** Requests of this event-loop turn, sent in one write. @type {Buffer[]} */
  #requests = [];

  /**
   * @param {import('./session.js').Site} site
   * @param {import('./session.js').Session} session
   * @param {readonly number[]} streams
   * @param {{ channels: number, batch: number, size: number, speaks?: string }} load
   */
  constructor(site, session, streams, { channels, batch, size, speaks }) {
    this.#streams = streams;
    this.#ledger = site.ledger;
    this.#channels = channels;
    this.#batch = batch;
    this.#conduit = session.publishing;
    const message = messageText(site.dialect, session.clientId, dataOf(size, speaks));
    this.#length = message.length + 1;
    this.#places = {
      channel: message.indexOf(channelName(0)) + channelName(0).length - CHANNEL_DIGITS,
      reply: message.indexOf(replyMark.text),
      event: message.indexOf(eventMark.text),
    };
    this.#template = this.#conduit.request(`[${new Array(batch).fill(message).join(',')}]`);
  }

  /** Whether another request may be made. HTTP allows one at a time. */
  get ready() {
    return this.#conduit.ready && (this.#requests.length === 0 || this.#conduit.takesMany);
  }

  publish() {
    const bytes = Buffer.from(this.#template.bytes);
    const { start, key } = this.#template;
    const put = (/** @type {number} */ at, /** @type {number} */ width, /** @type {number} */ value) => {
      for (let i = at + width - 1; i >= at; i--) {
        bytes[start + i] = (48 + (value % 10)) ^ key[i & 3];
        value = Math.floor(value / 10);
      }
    };
    for (let i = 0; i < this.#batch; i++) this.#number(put, 1 + i * this.#length);
    this.#requests.push(bytes);
  }

  flush() {
    if (this.#requests.length === 0) return;
    this.#conduit.write(this.#requests);
    this.#requests = [];
  }

  /** @param {(at: number, width: number, value: number) => void} put @param {number} at Start of the message. */
  #number(put, at) {
    const stream = this.#streams[this.#turn];
    this.#turn = (this.#turn + 1) % this.#streams.length;
    const number = this.#ledger.send(stream, nowUs());
    const { channel, reply, event } = this.#places;
    put(at + channel, CHANNEL_DIGITS, stream % this.#channels);
    if (reply >= 0) writeMark(put, at + reply, stream, number);
    writeMark(put, at + event, stream, number);
  }
}

/** @param {string} dialect @param {string} clientId @param {object} said Data, and `ext` if there is any. */
function messageText(dialect, clientId, said) {
  const channel = channelName(0);
  if (dialect === 'raw') return JSON.stringify({ channel, ...said });
  return JSON.stringify({ channel, id: replyMark.text, clientId: clientId || 'x'.repeat(32), ...said });
}

/** @param {number} size Bytes of the data's JSON. @param {string | undefined} speaks */
function dataOf(size, speaks) {
  const filled = (/** @type {(x: string) => object} */ of) => {
    const room = Math.max(0, size - JSON.stringify(of('')).length);
    return of(size > SHORT ? proseOf(room) : 'x'.repeat(room));
  };
  if (speaks !== 'binary') return { data: filled((x) => ({ m: eventMark.text, x })) };
  const data = filled((x) => ({ data: x, last: true, meta: { m: eventMark.text } }));
  return { data, ext: { binary: {} } };
}

/** Words of a small vocabulary in no order. They compress about as well as real text. @param {number} length */
function proseOf(length) {
  let text = '';
  for (let seed = 1; text.length < length; seed = (seed * 48_271) % 0x7fffffff) {
    text += `${(seed % 5000).toString(36)}${VOCABULARY[seed % VOCABULARY.length]} `;
  }
  return text.slice(0, length);
}
