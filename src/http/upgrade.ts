import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import WebSocket from 'faye-websocket';
import type { Server } from '../core/server.ts';
import { UsageError } from '../core/usage-error.ts';
import { offeredProtocols, WebSocketTransport } from '../transports/websocket.ts';
import { noteUpgrades } from './mounts.ts';
import { isAllowedOrigin } from './origins.ts';
import { type Refusal, refuseUpgrade } from './refuse-upgrade.ts';
import { pathOf } from './request-target.ts';

/** What takes upgrades: a server of HTTP/1.1, or one of HTTP/2 that allows HTTP/1.1 beside it. */
type UpgradeServer = HttpServer | HttpsServer | Http2SecureServer;

/**
 * Accepts WebSockets for a server on this path and every path below it, and has the server offer them from now on. The path is
 * that of the mount. Throws `UsageError` when it is not, is no absolute path, or is taken.
 */
export function attachWebSocket(httpServer: UpgradeServer, path: string, server: Server): void {
  if (!/^\/[^?#\s]*$/.test(path)) throw new UsageError(`"${path}" is no absolute path`);
  const mount = path.replace(/\/+$/, '');
  const dispatcher = dispatchers.get(httpServer) ?? new Dispatcher(httpServer);
  dispatchers.set(httpServer, dispatcher);
  dispatcher.refuseTaken(mount);
  noteUpgrades(server, path);
  dispatcher.add(mount, server);
  server.offer('websocket');
}

const dispatchers = new WeakMap<UpgradeServer, Dispatcher>();

interface Mounted {
  readonly server: Server;
  readonly transport: WebSocketTransport;
}

/** Takes the upgrades of one HTTP server to the bayeuxd servers attached to it (WS-1). */
class Dispatcher {
  readonly #httpServer: UpgradeServer;
  readonly #mounts = new Map<string, Mounted>();

  constructor(httpServer: UpgradeServer) {
    this.#httpServer = httpServer;
    httpServer.on('upgrade', this.#onUpgrade);
  }

  refuseTaken(mount: string): void {
    if (this.#mounts.has(mount)) throw new UsageError(`WebSockets are accepted on "${mount || '/'}" already`);
  }

  add(mount: string, server: Server): void {
    this.#mounts.set(mount, { server, transport: new WebSocketTransport(server) });
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const mounted = this.#find(pathOf(request.url ?? ''));
    // Somebody else's, if there is somebody else; an upgrade nobody answers would hang.
    if (mounted === undefined && this.#httpServer.listenerCount('upgrade') > 1) return;
    if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      passOver(request, socket, head, this.#httpServer);
    else if (mounted === undefined) refuseUpgrade(socket, { status: 404 });
    else this.#upgrade(mounted, request, socket, head);
  };

  #upgrade({ server, transport }: Mounted, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = judge(request, server);
    if (refusal === undefined) transport.accept(request, socket, head);
    else refuseUpgrade(socket, refusal);
  }

  // The longest mount that is the path, or a whole beginning of it.
  #find(url: string): Mounted | undefined {
    const [path = ''] = url.split('?', 1);
    for (let end = path.length; end >= 0; end = path.lastIndexOf('/', end - 1)) {
      const mounted = this.#mounts.get(path.slice(0, end));
      if (mounted !== undefined || end === 0) return mounted;
    }
    return undefined;
  }
}

const hopByHop = new Set(['upgrade', 'http2-settings', 'connection']);

/**
 * Has a request served as if it had not offered another protocol, as Java's client does with `h2c` (RFC 9110, 7.8: that may be
 * passed over). Node hands over no request once somebody listens to upgrades, so it is written down and read anew.
 */
function passOver(
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  httpServer: UpgradeServer,
): void {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (!hopByHop.has(name.toLowerCase())) text += `${name}: ${value}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  httpServer.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}

/** Why an upgrade is refused, if it is. */
function judge(request: IncomingMessage, server: Server): Refusal | undefined {
  const { transports, websocket } = server.options;
  if (server.state === 'closed') return { status: 503 };
  if (!isAllowedOrigin(request, server)) return { status: 403 };
  // WS-2: CometD's client then goes on with long-polling.
  if (!transports.includes('websocket') || !isWebSocket(request)) return { status: 400 };
  if (request.headers['sec-websocket-version'] !== '13') {
    return { status: 426, headers: { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' } };
  }
  const { protocol } = websocket;
  if (protocol !== undefined && !offeredProtocols(request.headers).includes(protocol)) return { status: 400 };
  return undefined;
}

// RFC 6455, 4.2.1: the key is sixteen bytes in base64.
function isWebSocket(request: IncomingMessage): boolean {
  return (
    WebSocket.isWebSocket(request) && /^[A-Za-z\d+/]{22}==$/.test(request.headers['sec-websocket-key'] ?? '')
  );
}
