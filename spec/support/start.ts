import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import express from 'express';
import { onTestFinished } from 'vitest';
import { bayeux, Server, type ServerSettings } from '../../src/index.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

/** A bayeuxd on a port of its own, its time standing still. */
export interface Started {
  readonly server: Server;
  readonly clock: FakeClock;
  readonly http: HttpServer;
  /** `http://127.0.0.1:PORT/bayeux` */
  readonly url: string;
}

/** Starts a server that lasts as long as the test. */
export async function start(settings: ServerSettings = {}): Promise<Started> {
  const clock = new FakeClock();
  const server = new Server({ clock, ...settings });
  const http = createServer(express().use('/bayeux', bayeux(server)));
  if (server.options.transports.includes('websocket')) server.attachUpgrades(http, { path: '/bayeux' });
  await listen(http);
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  return { server, clock, http, url: `http://127.0.0.1:${port}/bayeux` };
}

/** Listens on this port, or on any that is free. Whoever comes back to a port takes it from `freePort`: others get those of the system meanwhile. */
export async function listen(http: NetServer, port = 0): Promise<void> {
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
}

/** A server that lasts as long as the test. */
export function serverOf(settings: ServerSettings = {}): Server {
  const server = new Server(settings);
  onTestFinished(() => server.close());
  return server;
}

/** Listens as long as the test, and gives the address. */
export async function listening(http: HttpServer): Promise<string> {
  await listen(http);
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}
