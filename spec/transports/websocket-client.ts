import { connect, type Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { until } from '../support/until.ts';

/** A Bayeux message as it stands on the wire. */
export type Wire = Readonly<Record<string, unknown>> & { readonly channel?: string };

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
export const opcodes = { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } as const;

interface FrameBits {
  readonly opcode?: number;
  readonly last?: boolean;
  readonly rsv1?: boolean;
}

/** The bytes of a frame of a client, masked as they must be. */
export function masked(
  payload: string | Buffer,
  { opcode = TEXT, last = true, rsv1 = false }: FrameBits = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const mask = [1, 2, 3, 4];
  const { length } = bytes;
  const head =
    length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : [127, 0, 0, 0, 0];
  if (length >= 65_536) head.push(length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  head[0] = (head[0] ?? 0) | 0x80;
  const first = (last ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  return Buffer.concat([
    Buffer.from([first, ...head, ...mask]),
    bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0)),
  ]);
}

/** A message that shakes hands for a WebSocket. */
export const handshake = (fields: Wire = {}): Wire => ({
  id: 'h',
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['websocket', 'long-polling'],
  ...fields,
});

/** The client's end of a WebSocket on a bare TCP socket: it can be slow, silent, or say what no client should. */
export class WebSocketClient {
  /** The response to the upgrade: its status line and headers. */
  readonly response: string;
  /** Texts received, one a frame. */
  readonly frames: string[] = [];
  /** Every message received, in order. */
  readonly messages: Wire[] = [];
  /** Bytes of the data frames received, as they came. */
  readonly payloads: Buffer[] = [];
  pings = 0;
  readonly pongs: string[] = [];
  answersPings = true;
  /** The code of the close frame received. */
  code: number | undefined;
  /** The words in it. */
  reason = '';
  /** Whether the server closed the connection. */
  ended = false;
  clientId = '';
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #lastId = 0;

  private constructor(socket: Socket, response: string) {
    this.socket = socket;
    this.response = response;
    if (this.status === 101) socket.on('data', (chunk: Buffer) => this.#read(chunk));
    else socket.resume();
    socket.on('end', () => {
      this.ended = true;
      socket.end();
    });
    socket.on('close', () => {
      this.ended = true;
    });
  }

  /** Asks for an upgrade; the response says whether it was granted. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<WebSocketClient> {
    const { hostname, port, pathname, search, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    const all = {
      Host: host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
    let bytes: Buffer = Buffer.alloc(0);
    const gather = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
    };
    socket.on('data', gather);
    await until(() => bytes.includes('\r\n\r\n'), 'an answer to the upgrade');
    socket.off('data', gather);
    const end = bytes.indexOf('\r\n\r\n') + 4;
    const client = new WebSocketClient(socket, bytes.subarray(0, end).toString());
    client.#read(bytes.subarray(end));
    return client;
  }

  /** Opens and shakes hands. */
  static async shaken(url: string, fields: Wire = {}): Promise<WebSocketClient> {
    const client = await WebSocketClient.open(url);
    await client.handshake(fields);
    return client;
  }

  /** Opens, shakes hands and connects once: from here on a connect is held. */
  static async connected(url: string, ...subscriptions: readonly string[]): Promise<WebSocketClient> {
    const client = await WebSocketClient.shaken(url);
    await client.connected(...subscriptions);
    return client;
  }

  get status(): number {
    return Number(this.response.split(' ', 2)[1]);
  }

  /** The data of the events received on a channel. */
  data(channel: string): unknown[] {
    return this.messages.filter((one) => one.channel === channel && 'data' in one).map((one) => one.data);
  }

  async handshake(fields: Wire = {}): Promise<Wire> {
    const reply = await this.ask(handshake(fields));
    this.clientId = String(reply.clientId ?? '');
    return reply;
  }

  async connected(...subscriptions: readonly string[]): Promise<void> {
    for (const subscription of subscriptions)
      await this.ask(this.message('/meta/subscribe', { subscription }));
    await this.ask(this.message('/meta/connect', { advice: { timeout: 0 } }));
  }

  /** A message of this client's. */
  message(channel: string, fields: Wire = {}): Wire {
    this.#lastId += 1;
    const type = channel === '/meta/connect' && { connectionType: 'websocket' };
    return { id: `${this.#lastId}`, channel, clientId: this.clientId, ...type, ...fields };
  }

  /** Sends one frame with these messages. */
  send(...messages: readonly Wire[]): void {
    this.socket.write(masked(JSON.stringify(messages)));
  }

  /** Sends a message alone and waits for its reply. */
  async ask(message: Wire): Promise<Wire> {
    this.send(message);
    return this.reply(message);
  }

  /** Waits for the reply to a message. */
  async reply({ id, channel }: Wire): Promise<Wire> {
    const find = () =>
      this.messages.find((one) => one.id === id && one.channel === channel && 'successful' in one);
    await until(() => find() !== undefined, `a reply to ${channel} ${id}`);
    return find() ?? {};
  }

  /** Sends a connect that the server holds. */
  hold(): Wire {
    const connect = this.message('/meta/connect');
    this.send(connect);
    return connect;
  }

  publish(channel: string, data: unknown): Promise<Wire> {
    return this.ask(this.message(channel, { data }));
  }

  #read(chunk: Buffer): void {
    if (this.status !== 101) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const [first = 0, second = 0] = this.#bytes;
      const short = second & 0x7f;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#bytes.length < start) return;
      const size =
        short < 126 ? short : short === 126 ? this.#bytes.readUInt16BE(2) : this.#bytes.readUIntBE(4, 6);
      if (this.#bytes.length < start + size) return;
      const payload = this.#bytes.subarray(start, start + size);
      this.#bytes = this.#bytes.subarray(start + size);
      this.#take(first, payload);
    }
  }

  #take(first: number, payload: Buffer): void {
    switch (first & 0x0f) {
      case TEXT:
        this.payloads.push(payload);
        this.#takeText((first & 0x40 ? inflated(payload) : payload).toString());
        break;
      case CLOSE:
        this.code = payload.length === 0 ? 1005 : payload.readUInt16BE(0);
        this.reason = payload.subarray(2).toString();
        break;
      case PING:
        this.pings += 1;
        if (this.answersPings) this.socket.write(masked(payload, { opcode: PONG }));
        break;
      case PONG:
        this.pongs.push(payload.toString());
        break;
      default:
        throw new Error(`a frame nobody expected: ${first}`);
    }
  }

  #takeText(text: string): void {
    const batch: Wire[] = JSON.parse(text);
    this.frames.push(text);
    this.messages.push(...batch);
  }
}

function inflated(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 255, 255])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}
