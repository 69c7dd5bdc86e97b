import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import WebSocket from 'faye-websocket';
import type { Server } from './options.ts';
import { offeredProtocols, WebSocketTransport } from '../transports/websocket.ts';
import { isAllowed } from './origins.ts';
import type { Refusal } from './refuse-upgrade.ts';

/** The protocol that is spoken over the WebSockets of a path. */
export interface Upgrades {
  /** Why this protocol refuses a valid WebSocket request from an allowed page; undefined if it accepts it. */
  refusalOf(request: IncomingMessage): Refusal | undefined;
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Bayeux over WebSockets. */
export function bayeuxUpgrades(server: Server): Upgrades {
  const { transports, websocket } = server.options;
  const transport = new WebSocketTransport(server);
  const isSpoken = (request: IncomingMessage) =>
    websocket.protocol === undefined || offeredProtocols(request.headers).includes(websocket.protocol);
  return {
    // WS-2: CometD's client then goes on with long-polling.
    refusalOf: (request) =>
      transports.includes('websocket') && isSpoken(request) ? undefined : { status: 400 },
    accept: (request, socket, head) => transport.accept(request, socket, head),
  };
}

/** Why an upgrade is refused under any protocol; undefined if it is not. */
export function refusalOf(request: IncomingMessage, server: Server): Refusal | undefined {
  if (server.state === 'closed') return { status: 503 };
  const { origin } = request.headers;
  if (origin !== undefined && !isAllowed(origin, request, server)) return { status: 403 };
  if (!isWebSocket(request)) return { status: 400 };
  if (request.headers['sec-websocket-version'] === '13') return undefined;
  return { status: 426, headers: { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' } };
}

// RFC 6455, 4.2.1: the key is sixteen bytes in base64.
function isWebSocket(request: IncomingMessage): boolean {
  return (
    WebSocket.isWebSocket(request) && /^[A-Za-z\d+/]{22}==$/.test(request.headers['sec-websocket-key'] ?? '')
  );
}
