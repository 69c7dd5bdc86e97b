import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, Server, type ServerSettings } from '../../src/index.ts';
import { cometdDriver } from '../interop/cometd-driver.ts';
import type { Driver } from '../interop/driver.ts';
import { fayeDriver } from '../interop/faye-driver.ts';
import { jsforceClient } from '../interop/jsforce.ts';
import { cometd, fayeClient } from '../interop/node-clients.ts';
import { listening } from '../support/start.ts';

/** A server for both paths, in real time. */
async function place(settings: ServerSettings) {
  const server = new Server({ maxSessionsPerBrowser: -1, log: () => {}, ...settings });
  const http = createServer(express().use('/bayeux', bayeux(server)).use('/cometd', bayeux(server)));
  for (const path of ['/bayeux', '/cometd']) server.attachUpgrades(http, { path });
  const origin = await listening(http);
  onTestFinished(() => server.close());
  return { server, origin };
}

const openCometd = (version: keyof typeof cometd) => (origin: string, transport: string) =>
  cometdDriver(new cometd[version].CometD(), `${origin}/bayeux`, transport);

function openFaye(origin: string, transport: string): Driver {
  const client = fayeClient(`${origin}/bayeux`);
  if (transport !== 'websocket') client.disable('websocket');
  return fayeDriver(client);
}

const clients = [
  ['cometd.js 9', 'websocket', openCometd('9.0.0')],
  ['cometd.js 9', 'long-polling', openCometd('9.0.0')],
  ['cometd.js 8', 'websocket', openCometd('8.0.11')],
  ['cometd.js 7', 'long-polling', openCometd('7.0.19')],
  ['Faye', 'websocket', openFaye],
  ['Faye', 'long-polling', openFaye],
  ['jsforce', 'long-polling', (origin: string) => fayeDriver(jsforceClient(origin))],
] as const;

const patience = { timeout: 15_000, interval: 20 };

describe.each(clients)('%s over %s', (_name, transport, open) => {
  it('meets no limit in ordinary use', async () => {
    const { origin, server } = await place({});
    const client = open(origin, transport);
    await client.open();
    const channels = Array.from({ length: 50 }, (_, at) => `/a/${at}`);
    await Promise.all(channels.map((channel) => client.subscribe(channel)));
    for (const channel of channels) await server.publish(channel, 1);
    await expect.poll(() => client.heard(), patience).toHaveLength(50);
    await client.close();
    expect(server.refused).toEqual({});
  });

  it('waits in the queue, and connects', async () => {
    const { origin, server } = await place({ limits: { handshakes: 4 } });
    const all = [1, 2, 3, 4].map(() => open(origin, transport));
    await Promise.all(all.map((client) => client.open()));
    expect(server.refused).toEqual({});
    for (const client of all) await client.close();
  });

  it('comes back by itself after its handshake was refused', async () => {
    const { origin, server } = await place({ limits: { handshakesPerAddress: 1 } });
    const [first, second] = [open(origin, transport), open(origin, transport)];
    await first.open();
    await second.open();
    expect(server.refused['limits.handshakesPerAddress']).toBeGreaterThan(0);
    expect(server.refused['limits.handshakesPerAddress']).toBeLessThan(20);
    await Promise.all([first.close(), second.close()]);
  });

  it('comes back by itself when there is room for its session', async () => {
    const { origin, server } = await place({ maxSessions: 1 });
    const [first, second] = [open(origin, transport), open(origin, transport)];
    await first.open();
    const opened = second.open();
    await expect.poll(() => server.refused.maxSessions ?? 0, patience).toBeGreaterThan(0);
    await first.close();
    await opened;
    await second.close();
  });
});
