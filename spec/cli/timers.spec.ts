import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardHosts } from '../../src/cli/host-guard.ts';
import { httpServer, listen } from '../../src/cli/listener.ts';
import { programTable } from '../../src/cli/options.ts';
import { resolve } from '../../src/options/check.ts';
import { Server } from '../../src/index.ts';

const pem = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));
const timers = {
  keepAliveTimeout: 75_000,
  headersTimeout: 200,
  requestTimeout: 400,
  connectionsCheckingInterval: 50,
};
const h2c = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n';
const later = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n';

/** What a server says to this, and after how many milliseconds it hangs up. */
async function cutAfter(port: number, isSecure: boolean, text: string): Promise<[ms: number, said: string]> {
  const socket = isSecure
    ? connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  const from = performance.now();
  let said = '';
  socket.on('data', (chunk) => (said += chunk)).on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return [performance.now() - from, said];
}

describe.each([
  ['plain', {}],
  ['TLS', { tlsCert: pem('cert'), tlsKey: pem('key') }],
  ['HTTP/2', { tlsCert: pem('cert'), tlsKey: pem('key'), http2: true }],
])('requests that are late on a %s connection are cut off (HT-7)', (_, given) => {
  const isSecure = 'tlsCert' in given;

  it.each([
    ['without an end of the headers', 200, 'GET / HTTP/1.1\r\nHost: localhost\r\n'],
    ['without an end of the body', 400, `${later}\r\nx`],
    ['without an end of the body, offering h2c', 400, `${later}${h2c}\r\nx`],
    ['after one that offered h2c', 200, `GET / HTTP/1.1\r\nHost: localhost\r\n${h2c}\r\nGET / HTTP/1.1\r\n`],
  ])('%s, after %i ms', async (_what, ms, text) => {
    const program = resolve(programTable, { ...given, port: 0 });
    const server = httpServer(program, timers);
    const behind = createServer(
      (request, response) => void request.resume().on('end', () => response.end('served')),
    );
    const bayeuxd = new Server();
    bayeuxd.attachUpgrades(behind, { path: '/bayeux' });
    guardHosts(server, behind, [], bayeuxd.refusals);
    const url = await listen(server, program);
    onTestFinished(() => void server.close());
    const [after, said] = await cutAfter(Number(new URL(url).port), isSecure, text);
    expect(said).toContain('408 Request Timeout');
    expect(said.includes('served')).toBe(text.startsWith('GET') && text.includes('h2c'));
    expect(after).toBeGreaterThan(ms - 10);
    expect(after).toBeLessThan(ms + 2000);
  });
});
