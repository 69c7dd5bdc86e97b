import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardHosts } from '../../src/cli/host-guard.ts';
import { Server } from '../../src/index.ts';
import { type Method, send } from '../http/send.ts';
import { listening } from '../support/start.ts';
import { handshake, WebSocketClient } from '../transports/websocket-client.ts';

/** A server behind the check of hosts that the program has. */
async function guarded() {
  const server = new Server({ log: () => {} });
  onTestFinished(() => server.close());
  const behind = createServer();
  server.attach(behind, { path: '/bayeux' });
  const front = createServer();
  guardHosts(front, behind, ['push.example'], server.refusals);
  return { server, url: `${await listening(front)}/bayeux` };
}

const body = JSON.stringify([handshake()]);
const encoded = encodeURIComponent(body);

// The page was loaded as evil.example, whose name now leads to this server: for the browser both are one origin.
const ways: Record<string, (url: string, host: string) => Promise<number>> = {
  'a POST': (url, host) => ask(url, host, 'POST', '', body),
  'a form': (url, host) => ask(url, host, 'POST', '', `message=${encoded}`),
  'a script': (url, host) => ask(url, host, 'GET', `?message=${encoded}`),
  'a preflight': (url, host) => ask(url, host, 'OPTIONS'),
  'a WebSocket': async (url, host) =>
    (await WebSocketClient.open(url, { Host: host, Origin: `http://${host}` })).status,
};

async function ask(url: string, host: string, method: Method, path = '', text?: string): Promise<number> {
  const headers = { Host: host, Origin: `http://${host}`, 'Content-Type': 'text/plain' };
  return (await send(url, method, path, headers, text)).status;
}

describe('a page whose name was bound to the address of the server (CO-6)', () => {
  it.each(Object.keys(ways))('reaches nothing: %s', async (name) => {
    const { server, url } = await guarded();
    const way = ways[name];
    for (const host of ['evil.example', 'push.example.evil.example', 'localhost.evil.example:80', '10.0.0.1'])
      expect(await way?.(url, host)).toBe(403);
    expect(server.sessions.size).toBe(0);
    for (const host of ['push.example', 'localhost', new URL(url).host])
      expect([200, 101]).toContain(await way?.(url, host));
  });
});
