import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ClientError } from '../../src/cli/client-error.ts';
import type { LinkOptions } from '../../src/cli/link.ts';
import { NodePoster } from '../../src/cli/node-poster.ts';
import { SocketPoster } from '../../src/cli/socket-poster.ts';
import { until } from '../support/until.ts';

const pem = (name: string) => readFileSync(fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url)));
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

async function serve(listener: RequestListener, isSecure = false): Promise<string> {
  const server = isSecure
    ? createSecureServer({ cert: pem('cert'), key: pem('key') }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${isSecure ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that does with each request, which comes in one piece, what is given for it; counted over all connections. */
async function serveBytes(...steps: ((socket: Socket) => void)[]) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    sockets.add(socket.on('error', () => {}));
    socket.on('data', () => steps.shift()?.(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, connections: () => connections, left: () => steps.length };
}

const says = (bytes: string) => (socket: Socket) => void socket.write(bytes);
const saysAndCloses = (bytes: string) => (socket: Socket) => void socket.end(bytes);

/** Answers with what was asked. */
async function echo(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { method, url, headers } = req;
  const body = await text(req);
  const { host, connection, ...rest } = headers;
  res.setHeader('set-cookie', ['a=1; HttpOnly', 'b=2']).writeHead(201);
  res.end(JSON.stringify({ method, url, headers: rest, isHost: req.headers.host !== undefined, body }));
}

describe.each([
  ['NodePoster', NodePoster],
  ['SocketPoster', SocketPoster],
])('%s', (_, Poster) => {
  function posterTo(url: string, options: Partial<LinkOptions> = {}) {
    const poster = new Poster(url, { headers: {}, insecure: false, ...options });
    onTestFinished(() => poster.close());
    return poster;
  }

  it('posts JSON with headers, and gives the status, the cookies and the text', async () => {
    const url = await serve(echo);
    const address = `${url.replace('//', '//alice:s%20cret@')}/bayeux?a=b%20c#d`;
    const poster = posterTo(address, { headers: { 'x-own': '1', 'x-other': '2' } });
    const { status, cookies, text } = await poster.post('["ünï"]', { 'x-other': '3', cookie: 'c=4' });
    expect({ status, cookies }).toEqual({ status: 201, cookies: ['a=1; HttpOnly', 'b=2'] });
    expect(JSON.parse(text)).toEqual({
      method: 'POST',
      url: '/bayeux?a=b%20c',
      isHost: true,
      body: '["ünï"]',
      headers: {
        authorization: `Basic ${btoa('alice:s cret')}`,
        'content-type': 'application/json',
        'content-length': '9',
        'x-own': '1',
        'x-other': '3',
        cookie: 'c=4',
      },
    });
  });

  it('reads a long body that comes in chunks', async () => {
    const part = 'ü'.repeat(100_000);
    const url = await serve(async (_req, res) => {
      for (let at = 0; at < 5; at += 1) res.write(part);
      res.end();
    });
    expect((await posterTo(url).post('[]')).text).toBe(part.repeat(5));
  });

  it('keeps its connection until the server closes it', async () => {
    const closing = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]';
    const server = await serveBytes(says(`${ok}[]`), says(closing), says(`${ok}{}`));
    const poster = posterTo(server.url);
    await poster.post('1');
    expect(server.connections()).toBe(1);
    await poster.post('2');
    expect(server.connections()).toBe(1);
    expect((await poster.post('3')).text).toBe('{}');
    expect(server.connections()).toBe(2);
  });

  it('posts again when the server closed the connection while it was idle', async () => {
    const server = await serveBytes(says(`${ok}[]`), (socket) => void socket.destroy(), says(`${ok}{}`));
    const poster = posterTo(server.url);
    await poster.post('1');
    expect((await poster.post('2')).text).toBe('{}');
    expect(server.connections()).toBe(2);
  });

  it('does not post again what the server has begun to answer', async () => {
    const server = await serveBytes(says(`${ok}[]`), saysAndCloses(`${ok}[`), says(`${ok}{}`));
    const poster = posterTo(server.url);
    await poster.post('1');
    await expect(poster.post('2')).rejects.toThrow(ClientError);
    expect(server.left()).toBe(1);
  });

  it.each([
    ['before an answer', ''],
    ['within a head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['within a body', `${ok}[`],
    ['within a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1'],
    ['before the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n'],
  ])('rejects when the server closes a new connection %s', async (_place, bytes) => {
    const server = await serveBytes(saysAndCloses(bytes), says(`${ok}{}`));
    await expect(posterTo(server.url).post('1')).rejects.toThrow('the server hung up (ECONNRESET)');
    expect(server.left()).toBe(1);
  });

  it('rejects with the reason of the signal, and closes the connection', async () => {
    let isClosed = false;
    const url = await serve((req) => {
      req.once('close', () => {
        isClosed = true;
      });
      abort.abort(new Error('enough'));
    });
    const abort = new AbortController();
    const poster = posterTo(url);
    await expect(poster.post('1', {}, abort.signal)).rejects.toThrow('enough');
    await until(() => isClosed);
    await expect(poster.post('2', {}, abort.signal)).rejects.toThrow('enough');
  });

  it('holds eight connections at most, and lets what is more wait', async () => {
    const answers: ServerResponse[] = [];
    const url = await serve((_req, res) => void answers.push(res));
    const poster = posterTo(url);
    const all = Promise.all(Array.from({ length: 20 }, (_, at) => poster.post(String(at))));
    for (let done = 0; done < 20; done += 1) {
      await until(() => answers.length > 0);
      if (done === 0) await until(() => answers.length === 8);
      expect(answers.length).toBeLessThanOrEqual(8);
      // Every fourth answer takes its connection with it.
      if (done % 4 === 0) answers[0]?.setHeader('connection', 'close');
      answers.shift()?.end('{}');
    }
    expect((await all).every(({ text }) => text === '{}')).toBe(true);
  });

  it('speaks TLS, and says what is wrong with a certificate', async () => {
    const url = await serve(echo, true);
    await expect(posterTo(url).post('[]')).rejects.toThrow('is self-signed: name its file with --ca');
    expect((await posterTo(url, { ca: pem('cert') }).post('[]')).status).toBe(201);
    expect((await posterTo(url, { insecure: true }).post('[]')).status).toBe(201);
  });

  it('says where nothing listens', async () => {
    await expect(posterTo('http://127.0.0.1:2').post('[]')).rejects.toThrow('nothing listens there');
  });
});

describe('SocketPoster', () => {
  it('closes the connection on which a malformed answer came', async () => {
    let isClosed = false;
    const server = await serveBytes((socket) => {
      socket.once('close', () => {
        isClosed = true;
      });
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
    });
    const poster = new SocketPoster(server.url, { headers: {}, insecure: false });
    await expect(poster.post('1')).rejects.toThrow('the answer of the server has a chunk without a size');
    await until(() => isClosed);
    poster.close();
  });

  it('takes nothing that came before it was asked for as an answer', async () => {
    let first: Socket | undefined;
    const server = await serveBytes(
      (socket) => {
        first = socket;
        socket.write(`${ok}[]`);
      },
      says(`${ok}{}`),
    );
    const poster = new SocketPoster(server.url, { headers: {}, insecure: false });
    await poster.post('1');
    const closed = new Promise((resolve) => first?.once('close', resolve));
    first?.write(`${ok}no`);
    await closed;
    expect((await poster.post('2')).text).toBe('{}');
    poster.close();
  });
});
