import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants, createSecureServer } from 'node:http2';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, Server, type ServerSettings } from '../../src/index.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { until } from '../support/until.ts';

const fixture = (name: string) => readFileSync(new URL(`../cli/tls/${name}`, import.meta.url));

async function startHttp2(settings: ServerSettings = {}) {
  const clock = new FakeClock();
  const server = new Server({ clock, ...settings });
  const tls = { key: fixture('key.pem'), cert: fixture('cert.pem'), allowHTTP1: true };
  const http = createSecureServer(tls, bayeux(server, { path: '/bayeux' }));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  onTestFinished(async () => {
    await server.close();
    session.destroy();
    http.close();
  });
  return { server, clock, session, port };
}

interface Answer {
  readonly headers: Record<string, unknown>;
  readonly messages: readonly Record<string, unknown>[];
}

function post(session: ClientHttp2Session, messages: unknown, headers: Record<string, string> = {}) {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/bayeux',
    'content-type': 'application/json',
    ...headers,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    let head: Record<string, unknown> = {};
    let text = '';
    stream.on('response', (received) => {
      head = { ...received };
    });
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({ headers: head, messages: text.startsWith('[') ? JSON.parse(text) : [] }),
    );
  });
  stream.end(JSON.stringify(messages));
  return { stream, answer };
}

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

async function open(session: ClientHttp2Session, cookie: string): Promise<unknown> {
  const { messages } = await post(session, [handshake], { cookie }).answer;
  const clientId = messages[0]?.clientId;
  await post(session, [{ channel: '/meta/connect', clientId }], { cookie }).answer;
  return clientId;
}

/** A client that has read a part of the answer to its connect, and reads no more. */
async function readingInPart(settings: ServerSettings) {
  const { server, clock, session } = await startHttp2({ maxFlushBytes: 10_000_000, ...settings });
  const clientId = await open(session, '');
  await post(session, [{ channel: '/meta/subscribe', clientId, subscription: '/news' }]).answer;
  const [alice] = server.sessions;
  const { stream } = post(session, [{ channel: '/meta/connect', clientId }]);
  await until(() => alice?.state === 'held');
  stream.removeAllListeners('data').pause();
  await server.publish('/news', 'x'.repeat(1_000_000));
  await until(() => alice?.state === 'idle' && stream.readableLength > 0);
  return { clock, session, stream, clientId, alice };
}

describe('over HTTP/2', () => {
  it('holds the polls of all tabs of a browser, and loses nothing when one is reset', async () => {
    const { server, session } = await startHttp2();
    const cookie = 'BAYEUX_BROWSER=abcDEF12';
    const polls = [];
    for (let tab = 0; tab < 3; tab += 1) {
      const clientId = await open(session, cookie);
      await post(session, [{ channel: '/meta/subscribe', clientId, subscription: '/news' }]).answer;
      polls.push(post(session, [{ channel: '/meta/connect', clientId }], { cookie }));
    }
    const states = () => [...server.sessions].map(({ state }) => state);
    await until(() => states().every((state) => state === 'held'));

    polls[0]?.stream.close();
    await until(() => states().includes('idle'));
    await server.publish('/news', 1);
    for (const { answer } of polls.slice(1)) {
      expect((await answer).messages).toMatchObject([
        { data: 1 },
        { channel: '/meta/connect', successful: true },
      ]);
    }
    const [first] = server.sessions;
    const again = post(session, [{ channel: '/meta/connect', clientId: first?.clientId }]);
    expect((await again.answer).messages).toMatchObject([{ data: 1 }, { channel: '/meta/connect' }]);
    expect(server.usage.browsers).toBe(0);
  });

  it('counts tabs where told to', async () => {
    const { server, session } = await startHttp2({ http2MaxSessionsPerBrowser: 1 });
    const cookie = 'BAYEUX_BROWSER=abcDEF12';
    const [first, second] = [await open(session, cookie), await open(session, cookie)];
    post(session, [{ channel: '/meta/connect', clientId: first }], { cookie });
    await until(() => server.usage.browsers === 1);
    const { messages } = await post(session, [{ channel: '/meta/connect', clientId: second }], { cookie })
      .answer;
    expect(messages).toMatchObject([{ advice: { interval: 2000, 'multiple-clients': true } }]);
  });

  it('brings each event once, in order', async () => {
    const { server, session } = await startHttp2();
    const clientId = await open(session, '');
    await post(session, [{ channel: '/meta/subscribe', clientId, subscription: '/news' }]).answer;
    const seen: unknown[] = [];
    const poll = async (timeout?: number) => {
      const advice = timeout === undefined ? {} : { advice: { timeout } };
      const { messages } = await post(session, [{ channel: '/meta/connect', clientId, ...advice }]).answer;
      seen.push(...messages.filter(({ channel }) => channel === '/news').map(({ data }) => data));
    };
    for (let at = 0; at < 50; at += 1) {
      const held = poll();
      const [alice] = server.sessions;
      await until(() => alice?.state === 'held');
      await server.publish('/news', at);
      await held;
    }
    await poll(0);
    expect(seen).toEqual([...Array(50).keys()]);
  });

  it('repeats a response of which a part was read when its stream was reset', async () => {
    const { session, stream, clientId, alice } = await readingInPart({ maxQueueBytes: 10_000_000 });
    expect(alice?.outbox.size).toBe(0);

    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => alice?.outbox.size === 1);
    const again = await post(session, [{ channel: '/meta/connect', clientId }]).answer;
    expect(again.messages).toMatchObject([{ channel: '/news' }, { channel: '/meta/connect' }]);
  });

  it('resets a stream whose peer has not read the answer within a connect’s time', async () => {
    const { clock, alice } = await readingInPart({ maxInterval: 60_000 });
    await clock.tick(29_999);
    expect(alice?.outbox.size).toBe(0);
    await clock.tick(1);
    await until(() => alice?.outbox.size === 1);
  });

  it('sets a secure cookie, and knows its origin by :authority', async () => {
    const { session, port } = await startHttp2();
    const same = await post(session, [handshake], { origin: `https://127.0.0.1:${port}` }).answer;
    expect(same.headers).toMatchObject({
      ':status': 200,
      'access-control-allow-origin': `https://127.0.0.1:${port}`,
    });
    expect(String(same.headers['set-cookie'])).toContain('; Secure');
    const foreign = await post(session, [handshake], { origin: 'https://evil.example' }).answer;
    expect(foreign.headers[':status']).toBe(403);
  });

  it('streams events', async () => {
    const { server, session } = await startHttp2();
    const clientId = await open(session, '');
    await post(session, [{ channel: '/meta/subscribe', clientId, subscription: '/news' }]).answer;
    const stream = session.request({ ':path': `/bayeux/${String(clientId)}`, accept: 'text/event-stream' });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await until(() => text.startsWith('retry: 5000'));
    await server.publish('/news', 1);
    await until(() => text.includes('data: [{"channel":"/news","data":1}]\n\n'));
    stream.close();
    const [alice] = server.sessions;
    await until(() => alice?.push === undefined);
  });

  it('answers errors and what is beside the mount', async () => {
    const { session } = await startHttp2({ maxMessageSize: 100 });
    expect((await post(session, ['x'.repeat(1000)]).answer).headers[':status']).toBe(413);
    expect((await post(session, [handshake], { ':path': '/bayeuxx' }).answer).headers[':status']).toBe(404);
  });

  it('still speaks HTTP/1.1', async () => {
    const { port } = await startHttp2();
    const status = await new Promise((resolve, reject) => {
      const options = {
        port,
        host: '127.0.0.1',
        path: '/bayeux',
        method: 'POST',
        rejectUnauthorized: false,
        agent: false,
      };
      request(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end(JSON.stringify(handshake));
    });
    expect(status).toBe(200);
  });
});
