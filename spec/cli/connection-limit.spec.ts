import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limitConnections } from '../../src/cli/connection-limit.ts';
import { listen } from '../support/start.ts';
import { until } from '../support/until.ts';

async function limited(
  limit: number,
  { trustProxy = false as false | readonly string[], isSecure = false } = {},
) {
  const noted: unknown[] = [];
  const http = createServer((_req, res) => res.end('served'));
  const note = (event: string, details: object) => void noted.push({ event, ...details });
  limitConnections(http, { maxConnectionsPerAddress: limit, trustProxy }, isSecure, { note });
  await listen(http);
  const { port } = http.address() as AddressInfo;
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return { port, noted };
}

interface Peer {
  readonly socket: Socket;
  readonly text: () => string;
  readonly ended: () => boolean;
}

/** Opens a connection and sends a request by it. */
function ask(port: number): Peer {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  let ended = false;
  socket.on('data', (bytes) => {
    text += bytes.toString();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    ended = true;
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return { socket, text: () => text, ended: () => ended };
}

describe('TCP connections of one address', () => {
  it('above the limit get 503 and when to come again, and there is room when one closes', async () => {
    const { port, noted } = await limited(1);
    const first = ask(port);
    await until(() => first.text().endsWith('served'));
    const second = ask(port);
    await until(() => second.ended());
    expect(second.text()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(second.text()).toMatch(/\r\nRetry-After: ([5-9]|10)\r\n/);
    expect(second.text()).toContain('"maxConnectionsPerAddress" is 1; raise it to allow more');
    expect(noted).toMatchObject([
      { event: 'connection.refused', option: 'maxConnectionsPerAddress', limit: 1, address: '127.0.0.1' },
    ]);
    first.socket.destroy();
    await until(() => first.ended());
    await expect
      .poll(async () => {
        const third = ask(port);
        await until(() => third.text() !== '');
        return third.text().slice(0, 12);
      })
      .toBe('HTTP/1.1 200');
  });

  it('of a trusted proxy are not counted', async () => {
    const { port } = await limited(1, { trustProxy: ['loopback'] });
    const all = [ask(port), ask(port), ask(port)];
    await until(() => all.every(({ text }) => text().endsWith('served')));
  });

  it('are cut without an answer where TLS comes first', async () => {
    const { port } = await limited(1, { isSecure: true });
    const first = ask(port);
    await until(() => first.text().endsWith('served'));
    const second = ask(port);
    await until(() => second.ended());
    expect(second.text()).toBe('');
  });
});
