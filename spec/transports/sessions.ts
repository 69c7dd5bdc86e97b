import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Client, open, type Opening } from '../conformance/client.ts';
import type { Transport } from '../conformance/check.ts';
import { Target } from '../conformance/target.ts';

/** A way to a server's sockets that closes what it opened when the test ends. */
export function reach(url: string, transport: Transport = 'long-polling'): Target {
  const target = new Target({ url }, transport);
  onTestFinished(() => target.close());
  return target;
}

/** A connected session. */
export function client(url: string, opening: Opening = {}): Promise<Client> {
  return open(reach(url, opening.transport), opening);
}

interface Asked {
  readonly path?: string;
  readonly accept?: string;
  readonly body?: string;
  /** What it says its length is. */
  readonly length?: number;
}

/** A request, a POST if there is a body, whose answer is not read. */
export function unread(url: string, { path = '', accept = '*/*', body = '', length }: Asked): Socket {
  const { hostname, host, port, pathname } = new URL(url);
  const method = body === '' ? 'GET' : 'POST';
  const lines = [
    `${method} ${pathname}${path} HTTP/1.1`,
    `Host: ${host}`,
    `Accept: ${accept}`,
    `Content-Length: ${length ?? Buffer.byteLength(body)}`,
  ];
  const socket = connect({ host: hostname, port: Number(port) }).pause();
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  onTestFinished(() => void socket.destroy());
  return socket;
}
