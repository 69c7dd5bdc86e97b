import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll } from 'vitest';
import { DelayLine } from './delay-line.ts';

/** Where a connection is cut: before the request is passed on, after it, or when half of the reply was passed on. */
export type CutPoint = 'before the request' | 'before the reply' | 'in the reply';

export const cutPoints: readonly CutPoint[] = ['before the request', 'before the reply', 'in the reply'];

interface Trap {
  readonly point: CutPoint;
  readonly marker: string;
  readonly sprung: () => void;
}

/** A TCP proxy that cuts, holds back or delays what goes through it. It ends with the spec file. */
export class CutProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** By how much later requests reach the server. Milliseconds. */
  delay = 0;
  #trap: Trap | undefined;
  #isClosed = false;
  #refuses = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.port = address.port;
    server.on('connection', (client: Socket) => {
      if (this.#refuses) client.destroy();
      else this.#accept(client, connect(target, '127.0.0.1'));
    });
  }

  static async to(target: number): Promise<CutProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new CutProxy(server, target);
    afterAll(() => proxy.close());
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get size(): number {
    return this.#pairs.size;
  }

  /** The clients that the server sees, each as `HOST:PORT`. */
  get clients(): string[] {
    return Array.from(this.#pairs, ([, { localAddress, localPort }]) => `${localAddress}:${localPort}`);
  }

  /** Cuts the connection whose next request has the marker in it. Resolves when that happened. */
  cutAt(point: CutPoint, marker: string): Promise<void> {
    return new Promise((sprung) => {
      this.#trap = { point, marker, sprung };
    });
  }

  /** Cuts all connections now. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Cuts all connections, and each new one until `admit`. */
  refuse(): void {
    this.#refuses = true;
    this.cut();
  }

  admit(): void {
    this.#refuses = false;
  }

  /** Passes on nothing until `resume`; connections stay open. */
  pause(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  resume(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.close();
    this.cut();
  }

  #accept(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    if (this.#refuses) for (const socket of pair) socket.on('error', () => {}).destroy();
    if (this.#refuses) return;
    this.#pairs.add(pair);
    const toServer = new DelayLine(server);
    let onReply: ((reply: Buffer) => void) | undefined;
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('data', (bytes: Buffer) => {
      const trap = this.#trap;
      if (trap === undefined || !bytes.includes(trap.marker)) {
        toServer.write(bytes, this.delay);
        return;
      }
      this.#trap = undefined;
      trap.sprung();
      if (trap.point === 'before the request') return end();
      onReply =
        trap.point === 'before the reply' ? end : (reply) => client.end(reply.subarray(0, reply.length / 2));
      toServer.write(bytes, this.delay);
    });
    server.on('data', (bytes: Buffer) => (onReply === undefined ? client.write(bytes) : onReply(bytes)));
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
  }
}
