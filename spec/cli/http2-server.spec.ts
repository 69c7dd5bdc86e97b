import { once } from 'node:events';
import { constants, connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpServer, listen } from '../../src/cli/listener.ts';
import { programTable } from '../../src/cli/options.ts';
import { resolve } from '../../src/options/check.ts';

const pem = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));
const timers = {
  keepAliveTimeout: 200,
  headersTimeout: 5_000,
  requestTimeout: 400,
  connectionsCheckingInterval: 50,
};

/** Listens with HTTP/2; a request is answered after as many milliseconds as its path says. */
async function start() {
  const program = resolve(programTable, { tlsCert: pem('cert'), tlsKey: pem('key'), http2: true, port: 0 });
  const server = httpServer(program, timers);
  server.on('request', ({ url }, response) => void setTimeout(() => response.end('late'), url?.slice(1)));
  onTestFinished(() => void server.close());
  return { server, url: await listen(server, program) };
}

/** A session, and the milliseconds from now to its end. */
async function sessionTo(url: string) {
  const session = connectHttp2(url, { rejectUnauthorized: false });
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  return { session, ended: elapsed(once(session, 'goaway')) };
}

async function elapsed(event: Promise<unknown>): Promise<number> {
  const from = performance.now();
  await event;
  return performance.now() - from;
}

/** A bare connection that never hangs up by itself. */
async function socketTo(url: string, protocol: string): Promise<TLSSocket> {
  const tls = { ALPNProtocols: [protocol], rejectUnauthorized: false, allowHalfOpen: true };
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', ...tls }).on(
    'error',
    () => {},
  );
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

describe('on a port with HTTP/2', () => {
  it('a session without a request ends as a silent connection of HTTP/1.1 does, whatever it pings', async () => {
    const { session, ended } = await sessionTo((await start()).url);
    const pings = setInterval(() => session.ping(() => {}), 20);
    onTestFinished(() => clearInterval(pings));
    const ms = await ended;
    clearInterval(pings);
    expect(ms).toBeGreaterThan(150);
    expect(ms).toBeLessThan(1_500);
  });

  it('a session with a held request stays, and ends some time after the answer', async () => {
    const { session, ended } = await sessionTo((await start()).url);
    const held = session.request({ ':path': '/700' }).setEncoding('utf8');
    expect(await once(held, 'data')).toEqual(['late']);
    expect(session.closed).toBe(false);
    expect(await ended).toBeGreaterThan(850);
  });

  it('a peer that does not hang up after its session is cut off', async () => {
    const { server, url } = await start();
    const accepted = once(server, 'secureConnection');
    const socket = await socketTo(url, 'h2');
    const [theirs] = await accepted;
    const closed = elapsed(once(theirs, 'close'));
    expect(await elapsed(once(socket.resume(), 'end'))).toBeGreaterThan(150);
    expect(await closed).toBeGreaterThan(1_100);
    expect(await closed).toBeLessThan(3_000);
  });

  it('a body that does not end is cut off', async () => {
    const { session } = await sessionTo((await start()).url);
    const stream = session.request({ ':method': 'POST', ':path': '/5000' }).on('error', () => {});
    stream.write('[');
    const ms = await elapsed(once(stream, 'close'));
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(ms).toBeGreaterThan(350);
    expect(ms).toBeLessThan(2_000);
  });

  it('a silent connection of HTTP/1.1 ends', async () => {
    const socket = await socketTo((await start()).url, 'http/1.1');
    socket.write('GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    const ms = await elapsed(once(socket.resume(), 'end'));
    expect(ms).toBeGreaterThan(150);
    expect(ms).toBeLessThan(3_000);
  });
});
