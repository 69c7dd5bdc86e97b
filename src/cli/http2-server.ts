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

/** How long a peer has to hang up once its session is over. Milliseconds. */
const LINGER = 1_000;

/** A server of HTTP/2 that can also end its sessions. */
export type Http2Listener = Http2SecureServer & {
  /** Closes idle connections. A session of HTTP/2 takes no more requests, and ends with those it has. */
  closeIdleConnections(): void;
};

/** Makes a server of HTTP/2 over TLS. A client that does not choose it by ALPN gets HTTP/1.1, WebSockets included. */
export function http2Server(pair: SecureContextOptions, timers: Timers): Http2Listener {
  const server = createSecureServer({ ...pair, allowHTTP1: true, handshakeTimeout: timers.headersTimeout });
  const sessions = sessionsOf(server, timers);
  const closeIdleConnections = (): void => {
    HttpServer.prototype.closeIdleConnections.call(server);
    for (const session of sessions) session.close();
  };
  // The constructor ignores timers for HTTP/1.1. Newer Nodes add the buffer to the first of them.
  return Object.assign(server, timers, { keepAliveTimeoutBuffer: 1_000, closeIdleConnections });
}

function sessionsOf(server: Http2SecureServer, timers: Timers): ReadonlySet<Session> {
  const sessions = new Set<Session>();
  let begun: ServerHttp2Session | undefined;
  server.on('session', (session) => {
    begun = session;
  });
  // Node begins the session in a listener of its own, which comes before this one.
  server.on('secureConnection', (socket) => {
    if (begun === undefined) return;
    const session = new Session(begun, socket, timers);
    begun = undefined;
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
  });
  return sessions;
}

/** Ends a session that had no request for `keepAliveTimeout`, and its connection when the peer does not. */
class Session {
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #timers: Timers;
  #requests = 0;
  #closing = false;
  #silence: Timer | undefined;

  constructor(session: ServerHttp2Session, socket: TLSSocket, timers: Timers) {
    this.#session = session;
    this.#socket = socket;
    this.#timers = timers;
    session.on('stream', this.#onStream);
    socket.once('close', () => this.#silence?.cancel());
    this.#await();
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#session.close();
    if (this.#requests === 0) this.#await();
  }

  readonly #onStream = (stream: ServerHttp2Stream): void => {
    this.#requests += 1;
    this.#silence?.cancel();
    stream.once('close', () => {
      this.#requests -= 1;
      if (this.#requests === 0) this.#await();
    });
    if (!stream.endAfterHeaders) cutWhenLate(stream, this.#timers);
  };

  /** Nothing is asked at the moment. */
  #await(): void {
    this.#silence?.cancel();
    if (this.#socket.destroyed) return;
    this.#silence = this.#closing
      ? systemClock.after(LINGER, () => void this.#socket.destroy())
      : systemClock.after(this.#timers.keepAliveTimeout, () => this.close());
  }
}

/** The limit on a request with its body (HT-7). */
function cutWhenLate(stream: ServerHttp2Stream, { requestTimeout }: Timers): void {
  const late = systemClock.after(requestTimeout, () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('end', () => late.cancel()).once('close', () => late.cancel());
}
