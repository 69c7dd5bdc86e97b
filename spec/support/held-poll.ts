import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketClient } from '../transports/websocket-client.ts';

/** A `/meta/connect` by long-polling that is left open, on a bare TCP socket that costs this process next to nothing. */
export class HeldPoll {
  #text = '';

  private constructor(url: string, body: string) {
    const { hostname, port, host, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.on('data', (chunk) => {
      this.#text += chunk;
    });
    const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
    socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  /** The poll of a new session that subscribes to a channel. */
  static async subscribed(url: string, subscription: string): Promise<HeldPoll> {
    const client = await WebSocketClient.shaken(url);
    await client.connected(subscription);
    client.socket.destroy();
    const poll = client.message('/meta/connect', { connectionType: 'long-polling' });
    return new HeldPoll(url, JSON.stringify([poll]));
  }

  /** Whether a response came. Its body is short enough to come whole. */
  get isAnswered(): boolean {
    return this.#text.endsWith(']');
  }
}
