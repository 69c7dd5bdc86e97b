import { createServer } from 'node:http';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, Server, type ServerSettings } from '../../src/index.ts';
import { cometdDriver } from '../interop/cometd-driver.ts';
import type { Driver } from '../interop/driver.ts';
import { fayeDriver } from '../interop/faye-driver.ts';
import { jsforceClient } from '../interop/jsforce.ts';
import { cometd, fayeClient } from '../interop/node-clients.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { listening } from '../support/start.ts';
import { until } from '../support/until.ts';
import { JwksServer, type Signer, signer } from './jwks-server.ts';

let jwks: JwksServer;
let first: Signer;
let second: Signer;
beforeAll(async () => {
  [first, second] = await Promise.all([signer('ES256', 'first'), signer('RS256', 'second')]);
  jwks = await JwksServer.start();
});
afterAll(() => jwks.stop());
beforeEach(() => {
  jwks.keys = [first.jwk];
});

/** A server for both paths, whose users come from the identity provider. */
async function place(settings: ServerSettings = {}) {
  const clock = new FakeClock();
  const auth = { jwks: { url: jwks.url }, audience: ['push'] };
  const rule = { grants: { subscribe: 'users' } } as const;
  const server = new Server({
    clock,
    auth,
    maxSessionsPerBrowser: -1,
    channels: { '/a/*': rule },
    ...settings,
  });
  const http = createServer(express().use('/bayeux', bayeux(server)).use('/cometd', bayeux(server)));
  for (const path of ['/bayeux', '/cometd']) server.attachUpgrades(http, { path });
  const origin = await listening(http);
  onTestFinished(() => server.close());
  const token = (by = first, claims: Record<string, unknown> = {}) =>
    by.sign({ sub: 'ann', aud: 'push', exp: Math.floor(clock.now() / 1000) + 60, ...claims });
  return { clock, server, origin, token };
}

/** Gives the token that a client shows; a client that looks again may be given another. */
type Shown = () => string;

function openCometd(origin: string, shown: Shown, transport: string): Driver {
  const client = new cometd['9.0.0'].CometD();
  client.registerExtension('auth', {
    outgoing: (message) => ({ ...message, ext: { ...message.ext, auth: { token: shown() } } }),
  });
  return cometdDriver(client, `${origin}/bayeux`, transport);
}

function openFaye(origin: string, shown: Shown, transport: string): Driver {
  const client = fayeClient(`${origin}/bayeux`);
  if (transport !== 'websocket') client.disable('websocket');
  client.addExtension({
    outgoing: (message, pass) => pass({ ...message, ext: { ...message.ext, auth: { token: shown() } } }),
  });
  return fayeDriver(client);
}

function openJsforce(origin: string, shown: Shown, transport: string): Driver {
  const client = jsforceClient(origin, [], shown());
  if (transport !== 'websocket') client.disable('websocket');
  return fayeDriver(client);
}

const clients = [
  ['cometd.js', 'websocket', openCometd],
  ['cometd.js', 'long-polling', openCometd],
  ['Faye', 'websocket', openFaye],
  ['Faye', 'long-polling', openFaye],
  ['jsforce', 'long-polling', openJsforce],
  ['jsforce', 'websocket', openJsforce],
] as const;

const patience = { timeout: 5_000, interval: 5 };

describe.each(clients)('%s over %s', (_name, transport, open) => {
  it('logs in, and hears what is granted to it', async () => {
    const { origin, server, token } = await place();
    const text = await token();
    const client = open(origin, () => text, transport);
    await client.open();
    await client.subscribe('/a/*');
    await server.publish('/a/b', 1);
    await expect
      .poll(() => client.heard(), patience)
      .toEqual([{ pattern: '/a/*', channel: '/a/b', data: 1 }]);
    expect([...server.sessions].map(({ user }) => user)).toEqual([{ id: 'ann', info: {} }]);
    await expect(client.subscribe('/b')).rejects.toThrow(/subscribe_denied/);
    await client.close();
  });

  it('stops where its token is refused', async () => {
    const { origin, server, token } = await place();
    const text = await token(first, { aud: 'other' });
    const client = open(origin, () => text, transport);
    client.open().catch(() => {});
    await expect.poll(() => client.stopped(), patience).toBe(true);
    expect([...server.sessions]).toEqual([]);
  });

  it('is told when its token expires, and stops', async () => {
    const { origin, server, clock, token } = await place({ maxInterval: 600_000, timeout: 600_000 });
    const text = await token();
    const client = open(origin, () => text, transport);
    await client.open();
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    await clock.tick(65_000);
    await expect.poll(() => client.stopped(), patience).toBe(true);
    expect([...server.sessions]).toEqual([]);
  });
});

describe.each(clients.slice(0, 4))('a session of %s over %s', (_name, transport, open) => {
  it('goes on with a fresh token, which a new key has signed', async () => {
    const { origin, server, clock, token } = await place({ maxInterval: 600_000, timeout: 600_000 });
    let text = await token();
    const client = open(origin, () => text, transport);
    await client.open();
    await client.subscribe('/a/*');
    await clock.tick(40_000);
    jwks.keys = [second.jwk];
    text = await token(second, { exp: Math.floor(clock.now() / 1000) + 600 });
    await client.subscribe('/a/b');
    await clock.tick(60_000);
    await server.publish('/a/c', 1);
    await expect.poll(() => client.heard(), patience).toHaveLength(1);
    expect(await client.handshakes()).toBe(1);
    // The next connect must not carry the token of another user: the client would stop.
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    text = await token(second, { sub: 'bob' });
    await expect(client.subscribe('/a/d')).rejects.toThrow(/user_mismatch/);
    text = await token(second, { exp: Math.floor(clock.now() / 1000) + 600 });
    await client.close();
  });
});
