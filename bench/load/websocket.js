import { constants, inflateRawSync } from 'node:zlib';
import { openSocket } from './socket.js';

/** A fixed key: WebSocket requires a mask, and a random key would only cost time. */
const KEY = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n';
/** The end of a flush, which frames omit (RFC 7692). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** The last compressed payload and its text. The next client usually gets the same payload. */
let inflated = { payload: Buffer.alloc(0), text: Buffer.alloc(1) };

/** A client's text frame. @param {string} text @returns {{ bytes: Buffer, start: number, key: Buffer }} */
function textFrame(text) {
  return maskedFrame(1, Buffer.from(text));
}

/** @param {number} opcode @param {Buffer} payload */
function maskedFrame(opcode, payload) {
  const { length } = payload;
  const start = length < 126 ? 6 : length < 65536 ? 8 : 14;
  const bytes = Buffer.allocUnsafe(start + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (start === 6 ? length : start === 8 ? 126 : 127);
  if (start === 8) bytes.writeUInt16BE(length, 2);
  if (start === 14) bytes.writeBigUInt64BE(BigInt(length), 2);
  KEY.copy(bytes, start - 4);
  for (let i = 0; i < length; i++) bytes[start + i] = payload[i] ^ KEY[i & 3];
  return { bytes, start, key: KEY };
}

/** A minimal WebSocket client, with as little work per frame as possible. */
export class WebSocketConduit {
  takesMany = true;
  /** @type {import('node:net').Socket} */
  #socket;
  #open = false;
  #onText;
  #onLost;
  #onOpen = () => {};

  /**
   * @param {{ port: number, path: string, deflate?: boolean }} target
   * @param {(bytes: Buffer, start: number, end: number) => void} onText
   * @param {(why: string) => void} onLost
   * @param {typeof openSocket} [open]
   */
  constructor({ port, path, deflate }, onText, onLost, open = openSocket) {
    this.#onText = onText;
    this.#onLost = onLost;
    /** @type {Promise<void>} */
    this.opened = new Promise((resolve) => {
      this.#onOpen = resolve;
    });
    this.#socket = open(
      port,
      (bytes, end) => this.#read(bytes, end),
      () => onLost('the server closed the WebSocket'),
    );
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${deflate ? OFFER : ''}\r\n`,
    );
  }

  get ready() {
    return this.#socket.writableLength < 1 << 20;
  }

  request = textFrame;

  /** @param {string} text */
  send(text) {
    this.#socket.write(textFrame(text).bytes);
  }

  /** Whole frames. @param {Buffer[]} frames */
  write(frames) {
    this.#socket.write(frames.length === 1 ? /** @type {Buffer} */ (frames[0]) : Buffer.concat(frames));
  }

  close() {
    this.#socket.removeAllListeners('close');
    this.#socket.resetAndDestroy();
  }

  /** @param {Buffer} bytes @param {number} end @returns {number} */
  #read(bytes, end) {
    let at = this.#open ? 0 : this.#readUpgrade(bytes, end);
    while (this.#open && end - at >= 2) {
      const short = bytes[at + 1];
      const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (start > end) break;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      if (start + length > end) break;
      const first = bytes[at];
      at = start + length;
      if (first === 0x81) this.#onText(bytes, start, at);
      else if (first === 0xc1) this.#onCompressed(bytes.subarray(start, at));
      else this.#control(first, bytes.subarray(start, at));
    }
    return at;
  }

  /** @param {Buffer} bytes @param {number} end */
  #readUpgrade(bytes, end) {
    const head = bytes.toString('latin1', 0, end);
    const at = head.indexOf('\r\n\r\n');
    if (at < 0) return 0;
    if (!head.startsWith('HTTP/1.1 101')) this.#onLost(`the upgrade was refused: ${head.slice(0, 60)}`);
    this.#open = true;
    this.#onOpen();
    return at + 4;
  }

  /** @param {Buffer} payload */
  #onCompressed(payload) {
    if (!payload.equals(inflated.payload)) {
      const text = inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
      // One extra byte for the sentinel of `markers.js`.
      inflated = { payload: Buffer.from(payload), text: Buffer.concat([text, Buffer.alloc(1)]) };
    }
    this.#onText(inflated.text, 0, inflated.text.length - 1);
  }

  /** @param {number} first @param {Buffer} payload */
  #control(first, payload) {
    if (first === 0x89) this.#socket.write(maskedFrame(10, payload).bytes);
    else if (first === 0x88) this.#socket.destroy();
    else if (first !== 0x8a) this.#onLost(`a frame that starts with 0x${first.toString(16)}`);
  }
}
