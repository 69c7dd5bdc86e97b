import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import type { Server } from './options.ts';
import { UsageError } from '../lib/usage-error.ts';
import { type Handle, type HttpRequest, type HttpResponse, refuse } from '../transports/http.ts';
import { notFoundText } from './not-found.ts';
import { asksForWebSocket, passOver } from './pass-over.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { pathOf } from './request-target.ts';
import { refusalOf, type Upgrades } from './upgrade.ts';

/** A server of HTTP/1.1, or one of HTTP/2 that allows HTTP/1.1 beside it. */
export type AnyHttpServer = HttpServer | HttpsServer | Http2SecureServer;

/** A bayeuxd server on one path of an HTTP server, and below it. */
interface Mounted {
  readonly server: Server;
  readonly upgrades: Upgrades;
  /** Absent after `attachUpgrades`: a handler inside a framework serves the requests. */
  readonly requests?: Handle;
}

/** How long another listener has to begin with an upgrade. Milliseconds. */
const UNCLAIMED = 5000;

const dispatchers = new WeakMap<AnyHttpServer, Dispatcher>();

/** The one dispatcher of this HTTP server. The clock is that of the server that is attached first. */
export function dispatcherOf(httpServer: AnyHttpServer, clock: Clock): Dispatcher {
  const known = dispatchers.get(httpServer) ?? new Dispatcher(httpServer, clock);
  dispatchers.set(httpServer, known);
  return known;
}

/** The events of an HTTP server; `connection` stands for all that the dispatcher ignores. */
type Emitted =
  | [event: 'request', request: HttpRequest, response: HttpResponse]
  | [event: 'upgrade', request: IncomingMessage, socket: Duplex, head: Buffer]
  | [event: 'connection', ...unknown[]];

/**
 * Serves the requests and upgrades of one HTTP server whose path belongs to an attached bayeuxd server
 * (WS-1); no listener sees them. All others go to the listeners, or get 404 when there is no other listener.
 */
class Dispatcher {
  readonly #httpServer: AnyHttpServer;
  readonly #clock: Clock;
  readonly #mounts = new Map<string, Mounted>();

  constructor(httpServer: AnyHttpServer, clock: Clock) {
    this.#httpServer = httpServer;
    this.#clock = clock;
    const { emit } = httpServer;
    // A listener cannot keep other listeners from being called, before or after it; `emit` can.
    Object.defineProperty(httpServer, 'emit', {
      configurable: true,
      writable: true,
      value: (...emitted: Emitted): boolean =>
        this.#takes(emitted) || Reflect.apply(emit, httpServer, emitted),
    });
  }

  /** Throws `UsageError` where a server that is not closed has the path. */
  refuseTaken(path: string): void {
    const mounted = this.#mounts.get(mountOf(path));
    if (mounted === undefined || mounted.server.state === 'closed') return;
    throw new UsageError(
      `"${path}" is taken on this http server already: give each server a path of its own, or detach the first`,
    );
  }

  /** Mounts a server in place of a closed one. The returned function removes it. */
  add(path: string, mounted: Mounted): () => void {
    const mount = mountOf(path);
    this.#mounts.set(mount, mounted);
    this.#listen();
    return () => {
      if (this.#mounts.get(mount) !== mounted) return;
      this.#mounts.delete(mount);
      this.#listen();
    };
  }

  // Node emits upgrades, and requests of HTTP/2, only when there are listeners.
  #listen(): void {
    const mounted = [...this.#mounts.values()];
    this.#httpServer.off('upgrade', this.#onUpgrade).off('request', this.#onRequest);
    if (mounted.length > 0) this.#httpServer.on('upgrade', this.#onUpgrade);
    if (mounted.some(({ requests }) => requests !== undefined))
      this.#httpServer.on('request', this.#onRequest);
  }

  #takes(emitted: Emitted): boolean {
    if (emitted[0] !== 'request' && emitted[0] !== 'upgrade') return false;
    const mounted = this.#find(emitted[1].url);
    if (mounted === undefined) return false;
    if (emitted[0] === 'upgrade') {
      this.#upgrade(mounted, emitted[1], emitted[2], emitted[3]);
      return true;
    }
    void mounted.requests?.(emitted[1], emitted[2]);
    return mounted.requests !== undefined;
  }

  #upgrade({ server, upgrades }: Mounted, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!asksForWebSocket(request)) {
      passOver(request, socket, head, this.#httpServer);
      return;
    }
    const refusal = refusalOf(request, server) ?? upgrades.refusalOf(request);
    if (refusal === undefined) upgrades.accept(request, socket, head);
    else refuseUpgrade(socket, refusal);
  }

  // Called for paths that are not mounted. If this is the only listener, nobody else answers.
  readonly #onRequest = (request: HttpRequest, response: HttpResponse): void => {
    if (this.#httpServer.listenerCount('request') === 1) refuse(response, 404, this.#notFound(request));
  };

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (this.#httpServer.listenerCount('upgrade') === 1) this.#refuse(request, socket, head);
    else this.#leave(request, socket, head);
  };

  // WS-1: leaves the socket to another listener. Refuses it if none has read or written in time.
  #leave(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const before = written(socket);
    const timer = this.#clock.after(UNCLAIMED, () => {
      const isClaimed = socket.readableFlowing !== null || written(socket) !== before;
      if (!isClaimed && socket.writable) this.#refuse(request, socket, head);
    });
    socket.on('error', () => socket.destroy()).once('close', () => timer.cancel());
  }

  #refuse(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (asksForWebSocket(request)) refuseUpgrade(socket, { status: 404, text: this.#notFound(request) });
    else passOver(request, socket, head, this.#httpServer);
  }

  #notFound(request: HttpRequest | IncomingMessage): string {
    const [first] = this.#mounts.values();
    return notFoundText(request, [...this.#mounts.keys()], first?.server.refusals);
  }

  // The longest mount that is the path, or a prefix of whole segments.
  #find(url = ''): Mounted | undefined {
    const target = url.startsWith('/') ? url : pathOf(url);
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    for (let end = path.length; end >= 0; end = path.lastIndexOf('/', end - 1)) {
      const mounted = this.#mounts.get(path.slice(0, end));
      if (mounted !== undefined || end === 0) return mounted;
    }
    return undefined;
  }
}

// `/bayeux/` and `/bayeux` are one mount.
function mountOf(path: string): string {
  return path.replace(/\/+$/, '');
}

function written(socket: Duplex): unknown {
  return 'bytesWritten' in socket ? socket.bytesWritten : undefined;
}
