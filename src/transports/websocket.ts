import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import driver from 'websocket-driver';
import type { Server } from './options.ts';
import { type Shared, WebSocketConduit } from './websocket-conduit.ts';
import { permessageDeflate } from './websocket-deflate.ts';
import { Frames } from './websocket-frame.ts';
import { Rounds } from './websocket-rounds.ts';

/** Turns upgraded sockets into conduits of one server, and keeps what these share. */
export class WebSocketTransport {
  readonly #server: Server;
  readonly #shared: Shared;
  readonly #plain: Frames;
  readonly #deflated: Frames;

  constructor(server: Server) {
    const { clock, options } = server;
    const { pingInterval, firstMessageTimeout } = options.websocket;
    this.#server = server;
    this.#plain = new Frames(false, clock, options.websocket);
    this.#deflated = new Frames(true, clock, options.websocket);
    this.#shared = {
      server,
      pings: new Rounds(clock, pingInterval, (conduit) => conduit.ping()),
      idle: new Rounds(clock, firstMessageTimeout, (conduit) => conduit.giveUp()),
    };
  }

  get framesBuilt(): number {
    return this.#plain.built + this.#deflated.built;
  }

  /** Answers a WebSocket handshake that was accepted, and joins the socket to the server. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { websocket } = this.#server.options;
    const { headers, method, url } = request;
    const upgrade = { headers, method, url };
    const protocols = websocket.protocol === undefined ? offeredProtocols(headers) : [websocket.protocol];
    const handshake = driver.http(upgrade, { protocols });
    let frames = this.#plain;
    if (websocket.perMessageDeflate)
      handshake.addExtension(permessageDeflate(() => (frames = this.#deflated)));
    let answer: Buffer = NOTHING;
    handshake.io.on('data', (bytes: Buffer) => {
      answer = bytes;
    });
    if (socket instanceof Socket) socket.setTimeout(0).setNoDelay(true);
    if (!handshake.start()) {
      socket.on('error', () => socket.destroy());
      socket.end(answer, () => socket.destroy());
      return;
    }
    const conduit = new WebSocketConduit(this.#shared, frames, upgrade, socket, answer);
    if (head.length === 0) return;
    // What is answered to the head comes behind the handshake.
    conduit.writeDeferred();
    conduit.read(head);
  }
}

const NOTHING = Buffer.alloc(0);

/** The subprotocols that a client offers, in its order. */
export function offeredProtocols(headers: IncomingHttpHeaders): string[] {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered.split(/[\s,]+/).filter((name) => name !== '');
}
