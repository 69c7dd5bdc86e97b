import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { commonHeaders } from '../transports/http.ts';

/** The answer to a refused upgrade. */
export interface Refusal {
  readonly status: number;
  /** The body; absent means the text of the status. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers an upgrade with a status, on the bare socket, and closes it. */
export function refuseUpgrade(
  socket: Duplex,
  { status, text = `${STATUS_CODES[status]}\n`, headers = {} }: Refusal,
): void {
  const all = {
    ...commonHeaders,
    ...headers,
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`, () =>
    socket.destroy(),
  );
}
