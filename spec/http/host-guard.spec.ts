import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { hostGuard } from '../../src/index.ts';
import { listen } from '../support/start.ts';
import { send } from './send.ts';

const rows = [
  ['localhost', 200],
  ['LOCALHOST:8000', 200],
  ['127.0.0.1:8000', 200],
  ['[::1]:8000', 200],
  ['[::1]', 200],
  ['chat.example', 200],
  ['Chat.Example:8443', 200],
  ['evil.example', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example:8000', 403],
  ['', 403],
] as const;

it.each(rows)('a request for %j gets %i', async (host, status) => {
  const guard = hostGuard(['chat.example']);
  const http = createServer((req, res) => guard(req, res, () => res.end('in')));
  await listen(http);
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  // What a client says a proxy said changes nothing.
  const headers = { Host: host, 'X-Forwarded-Host': 'localhost' };
  expect((await send(`http://127.0.0.1:${port}`, 'GET', '/', headers)).status).toBe(status);
});

it.each([
  ['http://localhost/', 200],
  ['http://evil.example/', 403],
  ['http://localhost@evil.example/', 403],
])('a request for the whole address %s gets %i, whatever its Host', async (path, status) => {
  const guard = hostGuard();
  const http = createServer((req, res) => guard(req, res, () => res.end('in')));
  await listen(http);
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  const answered = new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path, headers: { Host: 'localhost' } });
    sent
      .on('response', ({ statusCode }) => resolve(statusCode))
      .on('error', reject)
      .end();
  });
  expect(await answered).toBe(status);
});
