import { connect, type Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { CLOSE, frame, PONG, TEXT } from './frame.ts';
import type { Echo, Row, Seen, Step } from './row.ts';

/** How long the server may take for one step. Milliseconds. */
const PATIENCE = 15_000;

interface Message {
  readonly channel: string;
  readonly data?: unknown;
  readonly id?: string;
  readonly clientId?: string;
}

/** A client on a bare socket, with a session that is subscribed to a channel of its own. */
export class Peer implements Echo {
  readonly seen: Seen[] = [];
  isEnded = false;
  /** The extensions that the server agreed to. */
  agreed: string | undefined;
  readonly #socket: Socket;
  readonly #channel: string;
  #bytes: Buffer = Buffer.alloc(0);
  // Chunks of a frame that has not come whole, and how many bytes are missing.
  #chunks: Buffer[] = [];
  #missing = 0;
  #isOpen = false;
  #clientId = '';
  #replies: Message[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, channel: string) {
    this.#socket = socket;
    this.#channel = channel;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.isEnded = true;
        socket.end();
        this.#wake();
      });
    }
  }

  /** Opens a WebSocket, shakes hands and subscribes. */
  static async open(url: string, { id, offer }: Row): Promise<Peer> {
    const { hostname, port, pathname, host } = new URL(url);
    const peer = new Peer(connect(Number(port), hostname), `/echo/${id.replaceAll('.', '-')}`);
    const extensions = offer === undefined ? '' : `Sec-WebSocket-Extensions: ${offer}\r\n`;
    peer.#socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extensions}\r\n`,
    );
    await peer.#until(() => peer.#isOpen);
    const [shaken] = await peer.#ask({
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['websocket'],
    });
    peer.#clientId = shaken?.clientId ?? '';
    const clientId = peer.#clientId;
    await peer.#ask({ channel: '/meta/subscribe', clientId, subscription: peer.#channel });
    const advice = { timeout: 0 };
    await peer.#ask({ channel: '/meta/connect', clientId, connectionType: 'websocket', advice });
    return peer;
  }

  get before(): string {
    return `{"channel":"${this.#channel}","clientId":"${this.#clientId}","data":"`;
  }

  readonly behind = '"}';

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if ('untilSeen' in step) await this.#until(() => this.seen.length >= step.untilSeen || this.isEnded);
      else if ('chop' in step) await this.#chop(step.bytes, step.chop);
      else await this.#write(step);
    }
    await this.#until(() => this.isEnded);
    this.#socket.destroy();
  }

  async #chop(bytes: Buffer, size: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) await this.#write(bytes.subarray(at, at + size));
  }

  // Each write is a segment of its own.
  #write(bytes: Buffer): Promise<void> | undefined {
    if (!this.#socket.writable) return undefined;
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never came: ${condition}`)), PATIENCE);
      this.#wake = () => {
        if (!condition()) return;
        clearTimeout(timer);
        resolve();
      };
      this.#wake();
    });
  }

  async #ask(message: object): Promise<Message[]> {
    this.#replies = [];
    this.#socket.write(frame(TEXT, JSON.stringify(message)));
    await this.#until(() => this.#replies.length > 0);
    const replies = this.#replies;
    this.seen.length = 0;
    return replies;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks]);
    this.#chunks = [];
    if (!this.#isOpen) this.#takeAnswer();
    while (this.#isOpen && this.#takeFrame());
    this.#wake();
  }

  #takeAnswer(): void {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end === -1) return;
    const answer = this.#bytes.toString('latin1', 0, end);
    this.agreed = /^sec-websocket-extensions: (.*)$/im.exec(answer)?.[1];
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#isOpen = answer.startsWith('HTTP/1.1 101 ');
  }

  /** Whether there was a whole frame. */
  #takeFrame(): boolean {
    const bytes = this.#bytes;
    const [first = 0, short = 0] = bytes;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return false;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUIntBE(4, 6);
    this.#missing = start + length - bytes.length;
    if (this.#missing > 0) return false;
    this.#bytes = bytes.subarray(start + length);
    this.#see(first, bytes.subarray(start, start + length));
    return true;
  }

  #see(first: number, payload: Buffer): void {
    const opcode = first & 0x0f;
    if (opcode === PONG) this.seen.push(['pong', payload.toString('latin1')]);
    else if (opcode === CLOSE) this.seen.push(['close', payload.readUInt16BE(0)]);
    else if (opcode === TEXT) this.#seeBatch((first & 0x40) === 0 ? payload : inflated(payload));
  }

  #seeBatch(text: Buffer): void {
    const batch: Message[] = JSON.parse(text.toString());
    for (const message of batch) {
      if (message.channel === this.#channel && typeof message.data === 'string')
        this.seen.push(['event', message.data]);
      else this.#replies.push(message);
      if (message.channel === '/e') this.seen.push(['reply']);
    }
  }
}

function inflated(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 255, 255])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}
