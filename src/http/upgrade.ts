import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import driver from 'websocket-driver';
import type { Server } from './options.ts';
import { offeredProtocols, WebSocketTransport } from '../transports/websocket.ts';
import { noteDisabled } from './disabled.ts';
import { refusalOfOrigin } from './origins.ts';
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
    refusalOf(request) {
      if (!transports.includes('websocket')) return badRequest(noteDisabled('websocket', server));
      return isSpoken(request) ? undefined : badRequest(noteUnspoken(server));
    },
    accept: (request, socket, head) => transport.accept(request, socket, head),
  };
}

/** Why an upgrade is refused under any protocol; undefined if it is not. */
export function refusalOf(request: IncomingMessage, server: Server): Refusal | undefined {
  if (server.state === 'closed') return { status: 503 };
  const { origin } = request.headers;
  const why = origin === undefined ? undefined : refusalOfOrigin(origin, request, server);
  if (why !== undefined) return { status: 403, text: `Forbidden: ${why}` };
  if (!isWebSocket(request)) return badRequest(note(server, 400, noKey));
  if (request.headers['sec-websocket-version'] === '13') return undefined;
  const headers = { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' };
  return { status: 426, headers, text: `Upgrade required: ${note(server, 426, oldVersion)}` };
}

const noKey = 'the WebSocket handshake has no valid Sec-WebSocket-Key';
const oldVersion = 'of WebSocket only version 13 is spoken here';

function badRequest(why: string): Refusal {
  return { status: 400, text: `Bad request: ${why}` };
}

function note({ refusals }: Server, status: number, why: string): string {
  refusals.note('request.refused', { cause: why, why, status });
  return why;
}

function noteUnspoken({ options, refusals }: Server): string {
  const option = 'websocket.protocol';
  const why = `the subprotocol "${options.websocket.protocol}" was not offered; change "${option}" or the client`;
  refusals.note('request.refused', { option, why, status: 400 });
  return why;
}

// RFC 6455, 4.2.1: the key is sixteen bytes in base64.
function isWebSocket(request: IncomingMessage): boolean {
  return (
    driver.isWebSocket(request) && /^[A-Za-z\d+/]{22}==$/.test(request.headers['sec-websocket-key'] ?? '')
  );
}
