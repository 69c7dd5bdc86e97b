import type { EventEmitter } from 'node:events';
import { masked, type Wire } from '../transports/websocket-client.ts';
import { Link, type Reader } from './link.ts';

/** Hears what one request, or one socket, brings; as the bytes come, and not a turn of the event loop later. */
export interface Hearer {
  batch(messages: readonly Wire[]): void;
  /** No more will come: the response is whole, or the connection is lost. */
  over(isWhole: boolean): void;
}

/** A POST of these messages, or a GET for the event stream of this session. */
export type Ask = { readonly messages: readonly Wire[] } | { readonly streamOf: string };

interface Request {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly accept: string;
  readonly body: string;
}

function requestOf(ask: Ask): Request {
  return 'messages' in ask
    ? { method: 'POST', path: '/bayeux', accept: '*/*', body: JSON.stringify(ask.messages) }
    : { method: 'GET', path: `/bayeux/${ask.streamOf}`, accept: 'text/event-stream', body: '' };
}

/**
 * The body of one response: a batch, or an event stream with a batch in each line. A batch is whole as soon as its length says so, which
 * is when its JSON is: Node ends a stream of HTTP/2 by a frame of its own, later.
 */
class Answer {
  readonly #isStream: boolean;
  readonly #hearer: Hearer;
  #text = '';

  constructor(ask: Ask, hearer: Hearer) {
    this.#isStream = 'streamOf' in ask;
    this.#hearer = hearer;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#isStream) this.#readLines();
    else if (this.#text.endsWith(']')) this.#readBatch();
  }

  end(isWhole: boolean): void {
    this.#hearer.over(isWhole);
  }

  #readLines(): void {
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) this.#hearer.batch(JSON.parse(line.slice(6)));
  }

  #readBatch(): void {
    const batch = parsed(this.#text);
    if (batch === undefined) return;
    this.#text = '';
    this.#hearer.batch(batch);
  }
}

function parsed(json: string): readonly Wire[] | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** A client's connection over which it makes requests. */
export interface Asking {
  readonly link: Link;
  /** Requests whose answers are still to come. */
  readonly busy: number;
  ask(ask: Ask, hearer: Hearer): void;
}

/** A connection of HTTP/1.1. A request that comes while another is under way is pipelined. */
export class Http1 implements Reader, Asking {
  readonly link: Link;
  readonly #answers: Answer[] = [];
  #text = '';
  /** Bytes still to come: of a body, or of a chunk of one. Undefined where a head comes next. */
  #left: number | 'size of a chunk' | undefined;
  #isChunked = false;

  constructor(server: EventEmitter, room: number) {
    this.link = new Link(room, 'as sockets do', this);
    server.emit('connection', this.link.far);
  }

  get busy(): number {
    return this.#answers.length;
  }

  ask(ask: Ask, hearer: Hearer): void {
    const { method, path, accept, body } = requestOf(ask);
    this.#answers.push(new Answer(ask, hearer));
    const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nAccept: ${accept}\r\nContent-Length: ${body.length}`;
    this.link.write(Buffer.from(`${head}\r\nContent-Type: application/json\r\n\r\n${body}`));
  }

  read(bytes: Buffer): void {
    this.#text += bytes.toString('latin1');
    while (this.#readOn());
  }

  closed(): void {
    for (const answer of this.#answers.splice(0)) answer.end(false);
  }

  #readOn(): boolean {
    if (this.#left === undefined) return this.#readHead();
    return this.#left === 'size of a chunk' ? this.#readSize() : this.#readBody(this.#left);
  }

  #readHead(): boolean {
    const head = this.#take(/^(?:\r\n)?HTTP.*?\r\n\r\n/s);
    if (head === undefined) return false;
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    this.#isChunked = length === undefined;
    this.#left = length === undefined ? 'size of a chunk' : Number(length);
    if (this.#left === 0) this.#end();
    return true;
  }

  #readSize(): boolean {
    const size = this.#take(/^(?:\r\n)?[\da-f]+\r\n/);
    if (size === undefined) return false;
    this.#left = Number.parseInt(size.trim(), 16);
    if (this.#left === 0) this.#end();
    return true;
  }

  #readBody(left: number): boolean {
    if (this.#text === '') return false;
    const part = this.#text.slice(0, left);
    this.#text = this.#text.slice(left);
    this.#answers[0]?.add(part);
    if (part.length < left) this.#left = left - part.length;
    else if (this.#isChunked) this.#left = 'size of a chunk';
    else this.#end();
    return true;
  }

  #end(): void {
    this.#left = undefined;
    this.#answers.shift()?.end(true);
  }

  #take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#text = this.#text.slice(found.length);
    return found;
  }
}

const frames = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, WINDOW_UPDATE: 8 } as const;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const INITIAL_WINDOW_SIZE = 4;

/** A connection of HTTP/2, each request with a stream of its own. */
export class Http2 implements Reader, Asking {
  readonly link: Link;
  readonly #answers = new Map<number, Answer>();
  #bytes: Buffer = Buffer.alloc(0);
  #last = -1;
  /** Whether the server may send on as the client reads. What it may not send yet waits in its own memory. */
  #grants = true;
  readonly #owed = new Map<number, number>();

  /** `window`: how much of each response may come before the client has read any. Bytes. */
  constructor(server: EventEmitter, room: number, window: number) {
    this.link = new Link(room, 'as handles do', this);
    server.emit('connection', this.link.far);
    this.link.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
    settings.writeUInt32BE(window, 2);
    this.#write(frames.SETTINGS, 0, 0, settings);
  }

  get busy(): number {
    return this.#answers.size;
  }

  ask(ask: Ask, hearer: Hearer): void {
    const { method, path, accept, body } = requestOf(ask);
    this.#last += 2;
    this.#answers.set(this.#last, new Answer(ask, hearer));
    const fields = { ':method': method, ':scheme': 'http', ':path': path, ':authority': 'x', accept };
    const isLast = body === '' ? END_STREAM : 0;
    const head = Buffer.concat(Object.entries({ ...fields, 'content-type': 'application/json' }).map(field));
    this.#write(frames.HEADERS, END_HEADERS | isLast, this.#last, head);
    if (body !== '') this.#write(frames.DATA, END_STREAM, this.#last, Buffer.from(body));
  }

  /** The server may send no more than it was granted. */
  stall(): void {
    this.#grants = false;
  }

  grant(): void {
    this.#grants = true;
    for (const [stream, bytes] of this.#owed) this.#write(frames.WINDOW_UPDATE, 0, stream, number(bytes));
    this.#owed.clear();
  }

  read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 9) {
      const size = this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < 9 + size) return;
      const [, , , type = 0, flags = 0] = this.#bytes;
      const stream = this.#bytes.readUInt32BE(5);
      const payload = this.#bytes.subarray(9, 9 + size);
      this.#bytes = this.#bytes.subarray(9 + size);
      this.#take(type, flags, stream, payload);
    }
  }

  closed(): void {
    for (const stream of [...this.#answers.keys()]) this.#end(stream, false);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case frames.SETTINGS:
        if ((flags & ACK) === 0) this.#write(frames.SETTINGS, ACK, 0, Buffer.alloc(0));
        return;
      case frames.PING:
        if ((flags & ACK) === 0) this.#write(frames.PING, ACK, 0, payload);
        return;
      case frames.RST_STREAM:
        this.#end(stream, false);
        return;
      case frames.DATA:
        this.#answers.get(stream)?.add(payload.toString('latin1'));
        for (const one of [0, stream]) this.#owed.set(one, (this.#owed.get(one) ?? 0) + payload.length);
        if (this.#grants && payload.length > 0) this.grant();
    }
    if (type === frames.DATA || type === frames.HEADERS) {
      if ((flags & END_STREAM) !== 0) this.#end(stream, true);
    }
  }

  #end(stream: number, isWhole: boolean): void {
    const answer = this.#answers.get(stream);
    this.#answers.delete(stream);
    this.#owed.delete(stream);
    answer?.end(isWhole);
  }

  #write(type: number, flags: number, stream: number, payload: Buffer): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    this.link.write(Buffer.concat([head, payload]));
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

// RFC 7541, 6.2.2: a field that is not indexed, with a new name. All are shorter than 127 bytes.
function field([name, value]: [string, string]): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A WebSocket. What is said before it is open is sent then. */
export class BareWebSocket implements Reader {
  readonly link: Link;
  readonly #hearer: Hearer;
  #bytes: Buffer = Buffer.alloc(0);
  #unsaid: Buffer[] | undefined = [];

  constructor(server: EventEmitter, room: number, hearer: Hearer) {
    this.#hearer = hearer;
    this.link = new Link(room, 'as sockets do', this);
    server.emit('connection', this.link.far);
    const version = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const upgrade = `GET /bayeux HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${version}\r\n\r\n`;
    this.link.write(Buffer.from(upgrade));
  }

  say(messages: readonly Wire[]): void {
    this.#send(masked(JSON.stringify(messages)));
  }

  read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (this.#unsaid !== undefined && !this.#opened(this.#unsaid)) return;
    while (this.#readFrame());
  }

  closed(): void {
    this.#hearer.over(false);
  }

  #opened(unsaid: readonly Buffer[]): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end === -1) return false;
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#unsaid = undefined;
    for (const frame of unsaid) this.link.write(frame);
    return true;
  }

  #readFrame(): boolean {
    const [first = 0, second = 0] = this.#bytes;
    const start = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (this.#bytes.length < start) return false;
    const size =
      second < 126 ? second : second === 126 ? this.#bytes.readUInt16BE(2) : this.#bytes.readUIntBE(4, 6);
    if (this.#bytes.length < start + size) return false;
    const payload = this.#bytes.subarray(start, start + size);
    this.#bytes = this.#bytes.subarray(start + size);
    this.#take(first & 0x0f, payload);
    return true;
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === TEXT) this.#hearer.batch(JSON.parse(payload.toString()));
    else if (opcode === PING) this.#send(masked(payload, { opcode: PONG }));
    else if (opcode === CLOSE) this.#send(masked(payload, { opcode: CLOSE }));
  }

  #send(frame: Buffer): void {
    if (this.#unsaid !== undefined) this.#unsaid.push(frame);
    else this.link.write(frame);
  }
}
