import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  bayeux,
  type Extension,
  type HandshakeAnswer,
  Server,
  type ServerSettings,
} from '../../src/index.ts';
import { fayeDriver } from '../interop/faye-driver.ts';
import { cometd, fayeClient } from '../interop/node-clients.ts';
import { jsforceClient } from '../interop/jsforce.ts';
import { listening } from '../support/start.ts';

/** A failed answer to every handshake. */
const failures: Readonly<Record<string, ServerSettings>> = {
  'a refusal': policy(false),
  'a refusal that says: at once': policy({ allow: false, advice: { reconnect: 'handshake', interval: 0 } }),
  'a refusal that says: retry': policy({ allow: false, advice: { reconnect: 'retry', interval: 0 } }),
  'no room': policy('busy'),
  'a fault of the policy': { policy: { canHandshake: () => Promise.reject(new Error('a fault')) } },
  'a reply that an extension deleted': reply(() => undefined),
  'a failure that an extension made, with the advice of a success': reply((made) => ({
    ...made,
    successful: false,
    error: '500::odd',
  })),
  'a failure without advice': reply(({ advice: _, ...made }) => ({
    ...made,
    successful: false,
    error: '500::odd',
  })),
  'too large a message': { maxMessageSize: 20 },
  'another transport': { transports: ['eventsource'] },
};

function policy(answer: HandshakeAnswer): ServerSettings {
  return { policy: { canHandshake: () => answer } };
}

function reply(
  outgoing: (
    reply: Parameters<NonNullable<Extension['outgoing']>>[0],
  ) => ReturnType<NonNullable<Extension['outgoing']>>,
): ServerSettings {
  return { extensions: [{ name: 'odd', kinds: ['handshake'], outgoing: (made) => outgoing(made) }] };
}

/** Counts the requests and upgrades of one server that come within a window of time. */
async function served(settings: ServerSettings) {
  const server = new Server({ log: () => {}, ...settings });
  const http = createServer(express().use('/bayeux', bayeux(server)).use('/cometd', bayeux(server)));
  for (const path of ['/bayeux', '/cometd']) server.attachUpgrades(http, { path });
  let count = 0;
  // The server takes upgrades before any listener.
  const { emit } = http;
  http.emit = (event: string, ...args: unknown[]) => {
    if (event === 'request' || event === 'upgrade') count += 1;
    return Reflect.apply(emit, http, [event, ...args]);
  };
  const origin = await listening(http);
  onTestFinished(() => server.close());
  return { origin, count: () => count };
}

/** Starts a stock client, and returns how it is stopped. */
type Start = (origin: string) => () => void;

const startCometd =
  (version: keyof typeof cometd, transport: string): Start =>
  (origin) => {
    const client = new cometd[version].CometD();
    for (const name of client.getTransportTypes()) if (name !== transport) client.unregisterTransport(name);
    client.configure({ url: `${origin}/bayeux` });
    client.handshake();
    return () => client.disconnect();
  };

// Faye's own pause, which other specs make shorter.
const RETRY = 5;

const startFaye: Start = (origin) => {
  const client = fayeClient(`${origin}/bayeux`);
  client._dispatcher.retry = RETRY;
  fayeDriver(client)
    .open()
    .catch(() => {});
  return () => void client.disconnect();
};

const startJsforce: Start = (origin) => {
  const client = jsforceClient(origin);
  client._dispatcher.retry = RETRY;
  fayeDriver(client)
    .open()
    .catch(() => {});
  return () => void client.disconnect();
};

const clients = [
  ['cometd.js 9 over websocket', startCometd('9.0.0', 'websocket')],
  ['cometd.js 9 over long-polling', startCometd('9.0.0', 'long-polling')],
  ['cometd.js 8', startCometd('8.0.11', 'long-polling')],
  ['cometd.js 7', startCometd('7.0.19', 'websocket')],
  ['Faye', startFaye],
  ['jsforce', startJsforce],
] as const;

const WINDOW = 1_500;

/** Five that may come at once, one for each second, and the upgrade or the second transport of a client that has two. */
const MOST = 10;

describe.each(clients)('%s', (_name, startClient) => {
  it('does not spin, whatever its handshake fails with', async () => {
    const names = Object.keys(failures);
    const servers = await Promise.all(Object.values(failures).map(served));
    const began = performance.now();
    const stops = servers.map(({ origin }) => startClient(origin));
    onTestFinished(() => {
      for (const stop of stops) stop();
    });
    await expect.poll(() => servers.every(({ count }) => count() > 0), { timeout: 10_000 }).toBe(true);
    await expect.poll(() => performance.now() - began > WINDOW, { timeout: 2 * WINDOW }).toBe(true);
    const counts = servers.map(({ count }, at) => [names[at], count()] as const);
    expect(counts.filter(([, count]) => count > MOST)).toEqual([]);
  });
});
