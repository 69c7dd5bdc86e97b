import { connect } from 'node:net';

/** Of an answer, what is kept. Bytes. */
const KEPT = 4096;

/**
 * @typedef {object} Site
 * @property {number} port
 * @property {string} token Of a hostile user.
 * @property {readonly string[]} badTokens
 * @property {Set<Connection>} open Connections that are open now.
 */

/** One connection of a hostile client, with what the server answered. */
export class Connection {
  #site;
  #socket;
  #answer = Buffer.alloc(0);
  /** Resolves to what the client got when the connection is closed. @type {Promise<string>} */
  closed;
  #onData = () => {};

  /** @param {Site} site */
  constructor(site) {
    this.#site = site;
    // On Linux the whole of 127.0.0.0/8 is this machine: honest clients have another address.
    const localAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';
    this.#socket = connect({ port: site.port, host: '127.0.0.1', localAddress, noDelay: true });
    site.open.add(this);
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk) => {
      if (this.#answer.length < KEPT) this.#answer = Buffer.concat([this.#answer, chunk]);
      this.#onData();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        site.open.delete(this);
        this.#onData();
        resolve(outcomeOf(this.#answer));
      });
    });
  }

  get text() {
    return this.#answer.toString('latin1');
  }

  get isOpen() {
    return !this.#socket.destroyed;
  }

  /** @param {string | Buffer} bytes */
  write(bytes) {
    this.#socket.write(bytes);
    return this;
  }

  /** The head of a POST, and the body. @param {string | Buffer} body @param {Record<string, string>} [headers] */
  post(body, headers = {}, length = Buffer.byteLength(body)) {
    const type = {
      'Content-Type': 'application/json',
      ...(!headers['Transfer-Encoding'] && { 'Content-Length': length }),
    };
    return this.head('POST', '/bayeux', { Connection: 'close', ...type, ...headers }).write(body);
  }

  /** @param {string} method @param {string} path @param {Record<string, string | number>} headers */
  head(method, path, headers) {
    const lines = Object.entries({ Host: `127.0.0.1:${this.#site.port}`, ...headers });
    return this.write(
      `${method} ${path} HTTP/1.1\r\n${lines.map((line) => `${line.join(': ')}\r\n`).join('')}\r\n`,
    );
  }

  /** Asks for a WebSocket. @param {Record<string, string>} [headers] */
  upgrade(headers) {
    const key = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13' };
    return this.head('GET', '/bayeux', { Upgrade: 'websocket', Connection: 'Upgrade', ...key, ...headers });
  }

  /** Resolves when the answer has this text, or the connection is closed. @param {string} text */
  has(text) {
    return new Promise((resolve) => {
      this.#onData = () => {
        if (!this.isOpen || this.text.includes(text)) resolve(undefined);
      };
      this.#onData();
    });
  }

  /** Reads nothing any more. */
  pause() {
    this.#socket.pause();
  }

  /** Cuts the connection after a while, if the server has not. @param {number} ms */
  cutAfter(ms) {
    const timer = setTimeout(() => this.cut(), ms);
    return this.closed.finally(() => clearTimeout(timer));
  }

  cut() {
    // Node never closes a socket that is reset while it shuts down (EINVAL).
    if (this.#socket.writableEnded) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}

/** A client's text frame, or the frame with this first byte. @param {string | Buffer} payload */
export function frame(payload, first = 0x81, isMasked = true) {
  const bytes = Buffer.from(payload);
  const head = [first, (isMasked ? 0x80 : 0) | Math.min(bytes.length, 126)];
  if (bytes.length >= 126) head.push(bytes.length >> 8, bytes.length & 255);
  // A key of zeros leaves the payload as it is.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0), bytes]);
}

/** What the client got, in a word. @param {Buffer} answer */
function outcomeOf(answer) {
  const text = answer.toString('latin1');
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? [];
  if (status === undefined) return 'no answer';
  if (status !== '200' && status !== '101') return `HTTP ${status}`;
  const [, error] = /"error":"(\d+):/.exec(text) ?? [];
  if (error !== undefined) return `error ${error}`;
  if (status === '200') return 'HTTP 200';
  const code = closeCodeOf(answer, text.indexOf('\r\n\r\n') + 4);
  return code === undefined ? 'a WebSocket' : `close ${code}`;
}

/** @param {Buffer} bytes @param {number} at */
function closeCodeOf(bytes, at) {
  while (at + 4 <= bytes.length) {
    if (bytes[at] === 0x88) return bytes.readUInt16BE(at + 2);
    const length = bytes[at + 1] === 126 ? 2 + bytes.readUInt16BE(at + 2) : Number(bytes[at + 1]);
    at += 2 + length;
  }
  return undefined;
}
