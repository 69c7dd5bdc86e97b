import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { upgrade } from '../conformance/web-socket.ts';

const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));
const pem = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));

const apiKey = '0123456789abcdef0123456789abcdef-spec';

interface Program {
  readonly child: ChildProcess;
  readonly url: string;
  /** Resolves with the exit code. */
  end(): Promise<number | null>;
}

async function start(): Promise<Program> {
  const flags = [
    '--http2',
    '--tls-cert',
    pem('cert'),
    '--tls-key',
    pem('key'),
    '--port',
    '0',
    '--api-key',
    apiKey,
  ];
  const child = spawn(process.execPath, [bin, ...flags], { env: { PATH: process.env.PATH } });
  const exited = once(child, 'exit').then(([code]) => code);
  let said = '';
  child.stderr.resume();
  child.stdout.on('data', (chunk) => (said += chunk));
  while (!/API key .*$/m.test(said)) await once(child.stdout, 'data');
  const end = () => {
    child.kill('SIGTERM');
    return exited;
  };
  return { child, url: said.match(/Bayeux +(\S+)\/bayeux$/m)?.[1] ?? '', end };
}

/** A session of HTTP/2 that lasts as long as the test. */
function sessionTo(url: string): ClientHttp2Session {
  const session = connect(url, { rejectUnauthorized: false }).on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

interface Answer {
  readonly status: unknown;
  readonly type: unknown;
  readonly body: string;
}

/** Asks on a stream of this session. A body goes without its length, which HTTP/2 does not need. */
async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: unknown,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(JSON.stringify(body));
  const [{ ':status': status, 'content-type': type }] = await once(stream, 'response');
  return { status, type, body: await text(stream) };
}

const get = (session: ClientHttp2Session, path: string) => ask(session, { ':path': path });

const post = (session: ClientHttp2Session, path: string, body: unknown, headers: OutgoingHttpHeaders = {}) =>
  ask(session, { ':method': 'POST', ':path': path, 'content-type': 'application/json', ...headers }, body);

interface Message {
  readonly channel: string;
  readonly clientId: string;
  readonly data?: unknown;
}

/** A Bayeux client that polls on this session. */
async function clientOn(session: ClientHttp2Session, subscription: string) {
  const send = async (message: object): Promise<Message[]> => {
    const { status, body } = await post(session, '/bayeux', message);
    return status === 200 ? JSON.parse(body) : [];
  };
  const types = { supportedConnectionTypes: ['long-polling'] };
  const [reply] = await send({ channel: '/meta/handshake', version: '1.0', ...types });
  const clientId = reply?.clientId;
  const poll = () => send({ channel: '/meta/connect', clientId, connectionType: 'long-polling' });
  await send({ channel: '/meta/subscribe', clientId, subscription });
  await poll();
  return { poll };
}

describe('the program with --http2', () => {
  let program: Program;
  beforeAll(async () => {
    program = await start();
  });
  afterAll(() => program.end());

  it('is chosen by ALPN', async () => {
    const session = sessionTo(program.url);
    await once(session, 'connect');
    expect(session.alpnProtocol).toBe('h2');
  });

  it('delivers each event once', async () => {
    const session = sessionTo(program.url);
    const { poll } = await clientOn(session, '/http2/events');
    const publish = (data: number) =>
      post(session, '/api/publish', { channel: '/http2/events', data }, { 'x-api-key': apiKey });
    const received: unknown[] = [];
    for (let data = 0; data < 20; data += 1) {
      const [messages, { status }] = await Promise.all([poll(), publish(data)]);
      expect(status).toBe(200);
      received.push(...messages.filter(({ channel }) => channel === '/http2/events').map((one) => one.data));
    }
    expect(received).toEqual(Array.from({ length: 20 }, (_, data) => data));
  });

  it('serves the page and the clients', async () => {
    const session = sessionTo(program.url);
    const page = await get(session, '/');
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    expect(page.body).toContain('</html>');
    for (const path of ['/page/chat.js', '/clients/cometd/cometd.js', '/bayeux/client.js']) {
      const { status, type, body } = await get(session, path);
      expect({ path, status, type }).toEqual({ path, status: 200, type: 'text/javascript; charset=utf-8' });
      expect(body.length).toBeGreaterThan(100);
    }
    expect(await get(session, '/none')).toMatchObject({
      status: 404,
      body: 'Not found: bayeuxd is mounted on /bayeux',
    });
  });

  it('guards the HTTP API', async () => {
    const session = sessionTo(program.url);
    const event = { channel: '/a', data: 1 };
    expect(await post(session, '/api/publish', event)).toMatchObject({ status: 401 });
    const shown = { 'x-api-key': apiKey };
    expect(await post(session, '/api/publish', { channel: '/a' }, shown)).toMatchObject({
      status: 400,
      body: expect.stringContaining('"detail":"data is missing"'),
    });
    expect(await post(session, '/api/none', event, shown)).toMatchObject({ status: 404 });
  });

  it.each(['evil.example', '127.0.0.1.evil.example'])('answers 403 to the authority "%s"', async (host) => {
    const session = sessionTo(program.url);
    for (const path of ['/', '/bayeux', '/api/publish']) {
      const answer = await ask(session, { ':path': path, ':authority': host, host: 'localhost' });
      expect(answer).toMatchObject({
        status: 403,
        body: expect.stringContaining('add it to "allowedHosts"'),
      });
    }
  });

  it('speaks HTTP/1.1 and WebSocket on the same port', async () => {
    const asked = request(`${program.url}/`, { rejectUnauthorized: false }).end();
    const [response] = await once(asked, 'response');
    expect([response.httpVersion, response.statusCode]).toEqual(['1.1', 200]);
    expect(await text(response)).toContain('</html>');
    const ends: (() => void)[] = [];
    onTestFinished(() => ends.forEach((end) => void end()));
    const upgraded = await upgrade(new URL(`${program.url}/bayeux`), {}, (end) => ends.push(end));
    expect(upgraded).toMatchObject({ status: 101, accepted: true });
    const types = { supportedConnectionTypes: ['websocket'] };
    upgraded.socket?.send(JSON.stringify({ channel: '/meta/handshake', version: '1.0', ...types }));
    expect(await upgraded.socket?.texts.shift()).toContain('"successful":true');
  });
});

describe('the program with --http2 at its end', () => {
  it('answers held polls, ends the sessions and exits with code 0', async () => {
    const { url, end } = await start();
    const session = sessionTo(url);
    const { poll } = await clientOn(session, '/a');
    const idle = sessionTo(url);
    await once(idle, 'connect');
    const held = poll();
    const gone = [session, idle].map((one) => once(one, 'goaway'));
    await get(session, '/');
    const from = performance.now();
    expect(await end()).toBe(0);
    expect(performance.now() - from).toBeLessThan(3_000);
    await Promise.all(gone);
    expect(await held).toEqual([]);
  });

  it('does not wait for a peer that never hangs up', async () => {
    const { url, end } = await start();
    const { port } = new URL(url);
    const tls = { ALPNProtocols: ['h2'], rejectUnauthorized: false, allowHalfOpen: true };
    const socket = connectSecurely({ port: Number(port), host: '127.0.0.1', ...tls }).on('error', () => {});
    await once(socket, 'data');
    const from = performance.now();
    expect(await end()).toBe(0);
    expect(performance.now() - from).toBeLessThan(3_000);
    socket.destroy();
  });
});
