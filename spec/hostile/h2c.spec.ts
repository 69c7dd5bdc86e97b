import { connect } from 'node:net';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardHosts } from '../../src/cli/host-guard.ts';
import { Server } from '../../src/index.ts';
import { listening, start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { handshake } from '../transports/websocket-client.ts';

const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n';
const body = JSON.stringify([handshake()]);

/** Writes bytes, and gives the status of each answer once there are so many. */
async function statuses(url: string, text: string, count: number): Promise<number[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let said = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    said += chunk;
  });
  socket.write(text);
  const found = () => Array.from(said.matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) => Number(status));
  await until(() => found().length >= count, `${count} answers to ${text}`);
  return found();
}

const post = (path: string, headers: string, text = body) =>
  `POST ${path} HTTP/1.1\r\n${headers}Content-Length: ${text.length}\r\n\r\n${text}`;

describe('a request that offers HTTP/2 without TLS (h2c)', () => {
  it('of a page of another site is refused', async () => {
    const { url, server } = await start();
    const { host, pathname } = new URL(url);
    const foreign = `Host: ${host}\r\nOrigin: https://evil.example\r\n${offer}`;
    expect(await statuses(url, post(pathname, foreign), 1)).toEqual([403]);
    expect(server.sessions.size).toBe(0);
  });

  it('hides no second request behind it', async () => {
    const { url, server } = await start();
    const { host, pathname } = new URL(url);
    // Were the offer taken, these bytes would go on unread as HTTP/2.
    const hidden = post(pathname, `Host: ${host}\r\nOrigin: https://evil.example\r\n`);
    const first = post(pathname, `Host: ${host}\r\n${offer}`);
    expect(await statuses(url, first + hidden, 2)).toEqual([200, 403]);
    expect(server.sessions.size).toBe(1);
  });

  it('is asked for its host in front of the program (CO-6)', async () => {
    const server = new Server();
    onTestFinished(() => server.close());
    const behind = createServer();
    server.attach(behind, { path: '/bayeux' });
    const front = createServer();
    guardHosts(front, behind, [], server.refusals);
    const url = await listening(front);
    const rebound = `Host: evil.example\r\nOrigin: http://evil.example\r\n${offer}`;
    expect(await statuses(url, post('/bayeux', rebound), 1)).toEqual([403]);
    const own = `Host: localhost\r\n${offer}`;
    const absolute = post('http://evil.example/bayeux', own);
    expect(await statuses(url, absolute, 1)).toEqual([403]);
    expect(await statuses(url, post('/bayeux', own), 1)).toEqual([200]);
    expect(server.sessions.size).toBe(1);
  });
});
