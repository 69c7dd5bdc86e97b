import type { Server as HttpServer } from 'node:http';
import { Duplex } from 'node:stream';

/** What is taken of a peer that does not read: little, where the operating system would take half a megabyte at once. Bytes. */
const BUFFER = 16_384;

/** A connection to a server, in memory, whose client reads as many bytes as it is told to, and no more. */
export class SlowLine {
  /** What the client has read. */
  text = '';
  #unread = Buffer.alloc(0);
  #done: (() => void) | undefined;
  readonly #near: Duplex;

  constructor(http: HttpServer) {
    this.#near = new Duplex({
      highWaterMark: BUFFER,
      read() {},
      write: (chunk: Buffer, _encoding, done) => {
        this.#unread = Buffer.concat([this.#unread, chunk]);
        this.#done = done;
        this.#goOn();
      },
    });
    this.#near.on('error', () => {});
    http.emit('connection', this.#near);
  }

  /** Whether the server gave it up. */
  get isCut(): boolean {
    return this.#near.destroyed;
  }

  /** The client posts a batch. */
  post(batch: unknown): void {
    const body = JSON.stringify(batch);
    const head = 'POST /bayeux HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    this.#near.push(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  }

  read(bytes: number): void {
    this.text += this.#unread.toString('latin1', 0, bytes);
    this.#unread = this.#unread.subarray(bytes);
    this.#goOn();
  }

  /** The messages of the only response. */
  get messages(): readonly { readonly [key: string]: unknown }[] {
    return JSON.parse(this.text.slice(this.text.indexOf('\r\n\r\n')));
  }

  #goOn(): void {
    if (this.#unread.length > BUFFER) return;
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }
}
