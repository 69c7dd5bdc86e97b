import { createHash, randomBytes } from 'node:crypto';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { Duplex } from 'node:stream';
import { Arrivals } from './arrivals.ts';

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
export type Opcode = keyof typeof opcodes;

export interface Upgrade {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Absent when the upgrade was refused. */
  readonly socket?: WebSocket;
  readonly accepted: boolean;
}

/** Asks for an upgrade and takes whatever answer comes. */
export function upgrade(
  url: URL,
  headers: OutgoingHttpHeaders,
  opened: (end: () => void) => void,
): Promise<Upgrade> {
  const key = randomBytes(16).toString('base64');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const open = url.protocol === 'https:' ? secure : plain;
  const request = open(url, {
    agent: false,
    rejectUnauthorized: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': key,
      ...headers,
    },
  });
  opened(() => request.destroy());
  request.end();
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, accepted: false });
    });
    request.once('upgrade', ({ statusCode: status = 0, headers }, stream, head) => {
      opened(() => stream.destroy());
      const socket = new WebSocket(stream, head);
      resolve({ status, headers, socket, accepted: headers['sec-websocket-accept'] === accept });
    });
  });
}

/** The client's end of a WebSocket, frame by frame. */
export class WebSocket {
  readonly texts = new Arrivals<string>();
  readonly pongs = new Arrivals<string>();
  /** The code the server closed with; 1006 when it just went. */
  readonly closed: Promise<number>;
  readonly #stream: Duplex;
  #bytes: Buffer;
  #parts: Buffer[] = [];
  #closed: (code: number) => void = () => undefined;

  constructor(stream: Duplex, head: Buffer) {
    this.#stream = stream;
    this.#bytes = head;
    this.closed = new Promise((resolve) => {
      this.#closed = resolve;
    });
    stream.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#read();
    });
    stream.on('error', () => undefined);
    stream.on('close', () => this.#end(1006));
    this.#read();
  }

  /** Sends one frame, masked as a client must. */
  frame(opcode: Opcode, payload: string | Buffer, last = true): void {
    const bytes = Buffer.from(payload);
    const size = bytes.length;
    const length = size < 126 ? 0 : size < 65536 ? 2 : 8;
    const header = Buffer.alloc(2 + length);
    header[0] = (last ? 0x80 : 0) | opcodes[opcode];
    header[1] = 0x80 | (length === 0 ? size : length === 2 ? 126 : 127);
    if (length === 2) header.writeUInt16BE(size, 2);
    if (length === 8) header.writeBigUInt64BE(BigInt(size), 2);
    const mask = randomBytes(4);
    for (let at = 0; at < size; at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[at % 4] ?? 0);
    if (!this.#stream.destroyed) this.#stream.write(Buffer.concat([header, mask, bytes]));
  }

  send(text: string): void {
    this.frame('text', text);
  }

  /** Cuts the connection without a word. */
  destroy(): void {
    this.#stream.destroy();
  }

  #read(): void {
    for (let frame = takeFrame(this.#bytes); frame; frame = takeFrame(this.#bytes)) {
      this.#bytes = frame.rest;
      if (frame.opcode === opcodes.close)
        this.#end(frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0));
      else if (frame.opcode === opcodes.ping) this.frame('pong', frame.payload);
      else if (frame.opcode === opcodes.pong) this.pongs.push(frame.payload.toString());
      else this.#part(frame.payload, frame.last);
    }
  }

  #part(payload: Buffer, last: boolean): void {
    this.#parts.push(payload);
    if (last) this.texts.push(Buffer.concat(this.#parts.splice(0)).toString());
  }

  #end(code: number): void {
    this.#closed(code);
    this.texts.end(new Error(`the server closed the socket with ${code}`));
    this.pongs.end(new Error(`the server closed the socket with ${code}`));
  }
}

function takeFrame(
  bytes: Buffer,
): { opcode: number; last: boolean; payload: Buffer; rest: Buffer } | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return;
  const short = second & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return;
  const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return;
  const payload = Buffer.from(bytes.subarray(start, start + size));
  return { opcode: first & 0x0f, last: first >= 0x80, payload, rest: bytes.subarray(start + size) };
}
