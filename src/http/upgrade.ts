import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import WebSocket from 'faye-websocket';
import type { Clock } from '../lib/clock.ts';
import type { Server } from '../core/server.ts';
import { UsageError } from '../lib/usage-error.ts';
import { offeredProtocols, WebSocketTransport } from '../transports/websocket.ts';
import { noteUpgrades } from './mounts.ts';
import { isAllowedOrigin } from './origins.ts';
import { asksForWebSocket, passOver } from './pass-over.ts';
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
  const dispatcher = dispatchers.get(httpServer) ?? new Dispatcher(httpServer, server.clock);
  dispatchers.set(httpServer, dispatcher);
  dispatcher.refuseTaken(mount);
  noteUpgrades(server, path);
  dispatcher.add(mount, server);
  server.offer('websocket');
}

/** How long another listener has to begin with an upgrade. Milliseconds. */
const UNCLAIMED = 5000;

const dispatchers = new WeakMap<UpgradeServer, Dispatcher>();

interface Mounted {
  readonly server: Server;
  readonly transport: WebSocketTransport;
}

/** Takes the upgrades of one HTTP server to the bayeuxd servers attached to it (WS-1). */
class Dispatcher {
  readonly #httpServer: UpgradeServer;
  readonly #clock: Clock;
  readonly #mounts = new Map<string, Mounted>();

  constructor(httpServer: UpgradeServer, clock: Clock) {
    this.#httpServer = httpServer;
    this.#clock = clock;
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
    const isAlone = this.#httpServer.listenerCount('upgrade') === 1;
    if (mounted === undefined && !isAlone) this.#leave(request, socket, head);
    else this.#take(mounted, request, socket, head);
  };

  #take(mounted: Mounted | undefined, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!asksForWebSocket(request)) passOver(request, socket, head, this.#httpServer);
    else if (mounted === undefined) refuseUpgrade(socket, { status: 404 });
    else this.#upgrade(mounted, request, socket, head);
  }

  // WS-1: somebody else's, but if nobody has read or written by then, nobody will.
  #leave(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const before = written(socket);
    const timer = this.#clock.after(UNCLAIMED, () => {
      const isClaimed = socket.readableFlowing !== null || written(socket) !== before;
      if (!isClaimed && socket.writable) this.#take(undefined, request, socket, head);
    });
    socket.on('error', () => socket.destroy()).once('close', () => timer.cancel());
  }

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

function written(socket: Duplex): unknown {
  return 'bytesWritten' in socket ? socket.bytesWritten : undefined;
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
