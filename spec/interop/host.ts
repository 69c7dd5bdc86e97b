import { createServer, type Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import express, { type RequestHandler } from 'express';
import { onTestFinished } from 'vitest';
import { bayeux, health, Server, type ServerSettings } from '../../src/index.ts';
import { freePort } from '../support/free-port.ts';
import { listen } from '../support/start.ts';

/** Where a host serves Bayeux, and what else. */
export interface Place {
  readonly path?: string;
  /** Sees every HTTP request before bayeuxd does. */
  readonly front?: readonly RequestHandler[];
}

/** One or more servers at one address. */
export interface Hosting {
  /** The server with the session of the client. */
  readonly server: Server;
  readonly origin: string;
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Cuts every connection there is, as a failing network does. */
  cut(): void;
}

/** How specs get what they run against. */
export type StartHosting = (settings: ServerSettings, place: Place) => Promise<Hosting>;

/** A bayeuxd in real time, with its health checks, that can go away and come back on the same port. */
export class Host implements Hosting {
  readonly #settings: () => ServerSettings;
  readonly #path: string;
  readonly #front: readonly RequestHandler[];
  readonly #sockets = new Set<Socket>();
  #http: HttpServer = createServer();
  #server: Server | undefined;
  #port = 0;

  /** Settings may differ from start to start: an engine serves one server. */
  constructor(settings: ServerSettings | (() => ServerSettings), { path = '/bayeux', front = [] }: Place) {
    this.#settings = typeof settings === 'function' ? settings : () => settings;
    this.#path = path;
    this.#front = front;
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error('not started');
    return this.#server;
  }

  /** `http://127.0.0.1:PORT` */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get url(): string {
    return this.origin + this.#path;
  }

  async start(): Promise<void> {
    const server = new Server(this.#settings());
    const app = express().use(health(server));
    for (const handler of this.#front) app.use(handler);
    app.use(this.#path, bayeux(server));
    this.#server = server;
    this.#port ||= await freePort();
    this.#http = createServer(app).on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    if (server.options.transports.includes('websocket'))
      server.attachUpgrades(this.#http, { path: this.#path });
    await listen(this.#http, this.#port);
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    await this.#server?.close();
    this.#http.closeAllConnections();
    await closed;
  }
}

const oneServer: StartHosting = async (settings, place) => {
  const made = new Host(settings, place);
  await made.start();
  onTestFinished(() => made.stop());
  return made;
};

let startHosting = oneServer;

/** Has all specs of this file run against something other than one server. */
export function hostBy(start: StartHosting): void {
  startHosting = start;
}

/** Starts a host that lasts as long as the test: one server, unless `hostBy` has said otherwise. */
export function host(settings: ServerSettings = {}, place: Place = {}): Promise<Hosting> {
  return startHosting(settings, place);
}
