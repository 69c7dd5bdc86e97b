import { connect, type Socket } from 'node:net';
import { masked } from '../transports/websocket-client.ts';
import { eventually } from './eventually.ts';

/** A WebSocket as bare as can be: frames of a server are plain text, to be searched for what is waited for. Nothing keeps it alive. */
export class BareSocket {
  readonly #socket: Socket;
  #text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
    });
    socket.on('error', () => {});
  }

  static async open(url: string): Promise<BareSocket> {
    const { hostname, port, pathname, host } = new URL(url);
    const socket = new BareSocket(connect(Number(port), hostname));
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const asked = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`;
    socket.#socket.write(asked);
    await socket.#reads('\r\n\r\n');
    return socket;
  }

  /** Sends a batch, and waits until this text comes after what came before. */
  async ask(batch: object, answer: string): Promise<string> {
    this.#text = '';
    this.send(batch);
    await this.#reads(answer);
    return this.#text;
  }

  send(batch: object): void {
    this.#socket.write(masked(JSON.stringify(batch)));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #reads(text: string): Promise<void> {
    return eventually(() => this.#text.includes(text), `a socket reads ${text}`, 10_000);
  }
}
