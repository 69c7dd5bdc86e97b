import { Server as HttpServer } from 'node:http';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { systemClock, type Timer } from '../lib/clock.ts';
import type { Timers } from './timers.ts';

/** Time for a peer to close its connection after its session has ended. Milliseconds. */
const LINGER = 1_000;

/** An HTTP/2 server that can also close its sessions. */
export type Http2Listener = Http2SecureServer & {
  /** Closes idle HTTP/1.1 connections. Each HTTP/2 session accepts no more requests, and closes after the current ones. */
  closeIdleConnections(): void;
};

/** Makes a server for HTTP/2 over TLS. A client that does not choose HTTP/2 with ALPN gets HTTP/1.1, with WebSockets. */
export function http2Server(pair: SecureContextOptions, timers: Timers): Http2Listener {
  const server = createSecureServer({ ...pair, allowHTTP1: true, handshakeTimeout: timers.headersTimeout });
  const sessions = sessionsOf(server, timers);
  const closeIdleConnections = (): void => {
    HttpServer.prototype.closeIdleConnections.call(server);
    for (const session of sessions) session.close();
  };
  // The constructor ignores the timers of HTTP/1.1. Newer versions of Node add the buffer to `keepAliveTimeout`.
  return Object.assign(server, timers, { keepAliveTimeoutBuffer: 1_000, closeIdleConnections });
}

function sessionsOf(server: Http2SecureServer, timers: Timers): ReadonlySet<Session> {
  const sessions = new Set<Session>();
  let latest: ServerHttp2Session | undefined;
  server.on('session', (session) => {
    latest = session;
  });
  // Node creates the session in its own listener of this event, which runs before this one.
  server.on('secureConnection', (socket) => {
    if (latest === undefined) return;
    const session = new Session(latest, socket, timers);
    latest = undefined;
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
  });
  return sessions;
}

/** Closes a session after `keepAliveTimeout` without a request, and its connection if the peer does not close it. */
class Session {
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #timers: Timers;
  #requests = 0;
  #closing = false;
  #idleTimer: Timer | undefined;

  constructor(session: ServerHttp2Session, socket: TLSSocket, timers: Timers) {
    this.#session = session;
    this.#socket = socket;
    this.#timers = timers;
    session.on('stream', this.#onStream);
    socket.once('close', () => this.#idleTimer?.cancel());
    this.#onIdle();
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#session.close();
    if (this.#requests === 0) this.#onIdle();
  }

  readonly #onStream = (stream: ServerHttp2Stream): void => {
    this.#requests += 1;
    this.#idleTimer?.cancel();
    stream.once('close', () => {
      this.#requests -= 1;
      if (this.#requests === 0) this.#onIdle();
    });
    if (!stream.endAfterHeaders) limitTime(stream, this.#timers);
  };

  #onIdle(): void {
    this.#idleTimer?.cancel();
    if (this.#socket.destroyed) return;
    this.#idleTimer = this.#closing
      ? systemClock.after(LINGER, () => void this.#socket.destroy())
      : systemClock.after(this.#timers.keepAliveTimeout, () => this.close());
  }
}

/** HT-7: cancels a request whose body takes longer than `requestTimeout`. */
function limitTime(stream: ServerHttp2Stream, { requestTimeout }: Timers): void {
  const late = systemClock.after(requestTimeout, () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('end', () => late.cancel()).once('close', () => late.cancel());
}
