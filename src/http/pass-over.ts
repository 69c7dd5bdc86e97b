import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const offered = new Set(['upgrade', 'http2-settings']);

/**
 * Serves a request as if it had not offered another protocol, as Java's client does with `h2c` (RFC 9110, 7.8
 * allows that). Node emits no request for it once there is a listener for upgrades. So the request is written
 * back to the socket, and the listening server reads it again, with its timeouts.
 */
export function passOver(
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  httpServer: { emit(event: string, socket: Duplex): boolean },
): void {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const kept = name.toLowerCase() === 'connection' ? withoutOffer(value) : value;
    if (!offered.has(name.toLowerCase()) && kept !== '') text += `${name}: ${kept}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  httpServer.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}

function withoutOffer(connection: string): string {
  const tokens = connection.split(',').map((token) => token.trim());
  return tokens.filter((token) => !offered.has(token.toLowerCase())).join(', ');
}

/** Whether a request asks for a WebSocket, not for another protocol, which may be ignored. */
export function asksForWebSocket({ headers: { upgrade } }: Pick<IncomingMessage, 'headers'>): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}
