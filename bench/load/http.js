import { openSocket } from './socket.js';

const NO_KEY = Buffer.alloc(4);

/** One keep-alive connection, with one request in flight at a time. */
export class HttpConduit {
  takesMany = false;
  /** @type {import('node:net').Socket | undefined} */
  #socket;
  #busy = false;
  #target;
  #onBody;
  #onLost;
  /** The head of a request, without cookies and `Content-Length`. */
  #head;

  /**
   * @param {{ port: number, path: string }} target
   * @param {(bytes: Buffer, start: number, end: number) => void} onBody
   * @param {(why: string) => void} onLost
   */
  constructor(target, onBody, onLost) {
    this.#target = target;
    this.#onBody = onBody;
    this.#onLost = onLost;
    this.#head = `POST ${target.path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nContent-Type: application/json\r\n`;
    this.cookies = '';
    this.opened = Promise.resolve();
  }

  get ready() {
    return !this.#busy;
  }

  /** A whole request. @param {string} text @returns {{ bytes: Buffer, start: number, key: Buffer }} */
  request(text) {
    const cookies = this.cookies && `Cookie: ${this.cookies}\r\n`;
    const head = `${this.#head}${cookies}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n`;
    return { bytes: Buffer.from(head + text), start: head.length, key: NO_KEY };
  }

  /** @param {string} text */
  send(text) {
    this.write([this.request(text).bytes]);
  }

  /** @param {Buffer[]} requests Exactly one. */
  write([request]) {
    if (this.#busy) throw new Error('a request is under way');
    this.#busy = true;
    this.#socket ??= this.#open();
    this.#socket.write(/** @type {Buffer} */ (request));
  }

  close() {
    this.#socket?.removeAllListeners('close');
    this.#socket?.resetAndDestroy();
  }

  #open() {
    const socket = openSocket(
      this.#target.port,
      (bytes, end) => this.#read(bytes, end),
      () => {
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        if (this.#busy) this.#onLost('the server closed an HTTP connection with a request under way');
      },
    );
    return socket;
  }

  /** @param {Buffer} bytes @param {number} end @returns {number} */
  #read(bytes, end) {
    const split = bytes.subarray(0, end).indexOf('\r\n\r\n');
    if (split < 0) return 0;
    const head = bytes.toString('latin1', 0, split);
    const start = split + 4;
    if (!head.startsWith('HTTP/1.1 200')) {
      this.#onLost(`HTTP said ${head.slice(9, 40)}`);
      return end;
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    const body = length ? whole(bytes, start, start + Number(length[1]), end) : unchunked(bytes, start, end);
    if (!body) return 0;
    this.#finish(head);
    this.#onBody(body.bytes, body.start, body.end);
    return body.used;
  }

  /** @param {string} head */
  #finish(head) {
    this.#busy = false;
    for (const [, pair] of head.matchAll(/\r\nset-cookie: *([^;\r]+)/gi)) {
      this.cookies = this.cookies ? `${this.cookies}; ${pair}` : String(pair);
    }
    if (!/\r\nconnection: *close/i.test(head)) return;
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

/** @param {Buffer} bytes @param {number} start @param {number} stop @param {number} end */
function whole(bytes, start, stop, end) {
  return stop <= end ? { bytes, start, end: stop, used: stop } : undefined;
}

/** The body of a chunked response; undefined until it is complete. @param {Buffer} bytes @param {number} at @param {number} end */
function unchunked(bytes, at, end) {
  const parts = [];
  for (;;) {
    const line = bytes.subarray(at, end).indexOf('\r\n');
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, at + line), 16);
    const start = at + line + 2;
    at = start + size + 2;
    if (at > end) return undefined;
    if (size === 0) break;
    parts.push(bytes.subarray(start, start + size));
  }
  const body = Buffer.concat([...parts, Buffer.alloc(1)]);
  return { bytes: body, start: 0, end: body.length - 1, used: at };
}
