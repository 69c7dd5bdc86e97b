import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeux, Server } from '../../src/index.ts';
import { DarkProxy } from '../support/dark-proxy.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { settle, until } from '../support/until.ts';
import type { Wire } from './websocket-client.ts';

const fixture = (name: string) => readFileSync(new URL(`../cli/tls/${name}`, import.meta.url));
const WINDOW = 2 ** 25;
const BIG = 'x'.repeat(8_000_000);
const room = { maxQueueBytes: 100_000_000, maxQueuedBytes: 400_000_000, maxMessageSize: 20_000_000 };

const kinds: Readonly<Record<string, (handle: ReturnType<typeof bayeux>) => Http2Server>> = {
  http: (handle) => createServer(handle),
  https: (handle) => createSecureServer({ key: fixture('key.pem'), cert: fixture('cert.pem') }, handle),
};

/** A server of HTTP/2 behind a proxy that can fail, and a client with as large a window as it wants. */
async function begin(scheme: string) {
  const clock = new FakeClock();
  const server = new Server({ clock, ...room });
  const http = kinds[scheme]?.(bayeux(server, { path: '/bayeux' })) ?? createServer();
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const proxy = await DarkProxy.before(`http://127.0.0.1:${port}`);
  const open = () => {
    const session = connect(proxy.origin.replace('http:', `${scheme}:`), {
      rejectUnauthorized: false,
      settings: { initialWindowSize: WINDOW },
    });
    session.on('error', () => {}).on('connect', () => session.setLocalWindowSize(WINDOW));
    onTestFinished(() => session.destroy());
    return session;
  };
  onTestFinished(async () => {
    await server.close();
    http.close();
  });
  const session = open();
  const [{ clientId }] = await post(session, { channel: '/meta/handshake', version: '1.0' });
  await post(session, { channel: '/meta/connect', clientId });
  await post(session, { channel: '/meta/subscribe', clientId, subscription: '/news' });
  const [alice] = server.sessions;
  const held = post(session, { channel: '/meta/connect', clientId });
  await until(() => alice?.state === 'held');
  const again = (timeout = 0) => post(open(), { channel: '/meta/connect', clientId, advice: { timeout } });
  return { server, clock, proxy, alice, session, held, again };
}

/** An answer that is under way when the link goes dark, as far as the operating system takes it. */
async function stuck(scheme: string) {
  const begun = await begin(scheme);
  begun.proxy.darken();
  await begun.server.publish('/news', BIG);
  await until(() => begun.alice?.state === 'idle');
  await settle(3_000);
  return begun;
}

/** What comes in answer; never, if the connection dies. */
function post(session: ClientHttp2Session, message: Wire): Promise<[Wire, ...Wire[]]> {
  const headers = { ':method': 'POST', ':path': '/bayeux', 'content-type': 'application/json' };
  const stream = session.request(headers);
  stream.on('error', () => {});
  stream.end(JSON.stringify([{ supportedConnectionTypes: ['long-polling'], ...message }]));
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    stream.on('end', () => text.endsWith(']') && resolve(JSON.parse(text)));
  });
}

const newsOf = (messages: readonly Wire[]) => messages.filter(({ channel }) => channel === '/news');

describe.each([['http'], ['https']])(
  'over HTTP/2 by %s, an answer that did not leave at once (DL-8)',
  (scheme) => {
    it('comes again when the connection dies, however well Node speaks of it', async () => {
      const { clock, alice, proxy, again } = await stuck(scheme);
      proxy.kill();
      await settle(1_000);
      const next = again(30_000);
      // By TLS Node never says that the connection is over: then the connect is held, and overtakes.
      let isAnswered = false;
      void next.then(() => (isAnswered = true));
      await until(() => isAnswered || alice?.state === 'held');
      await clock.tick(400);
      expect(newsOf(await next).map(({ data }) => data === BIG)).toEqual([true]);
    });

    it('comes again by the next connect when the connection gives no sign of life any more', async () => {
      const { clock, alice, again } = await stuck(scheme);
      const next = again(30_000);
      await until(() => alice?.state === 'held');
      await clock.tick(400);
      expect(newsOf(await next).map(({ data }) => data === BIG)).toEqual([true]);
    });

    it('counts as arrived when its peer answers a PING that was sent behind it; small ones need none', async () => {
      const { server, clock, alice, session, held, again } = await begin(scheme);
      let pings = 0;
      session.on('ping', () => (pings += 1));
      await server.publish('/news', 'small');
      expect(newsOf(await held)).toHaveLength(1);
      await post(session, { channel: '/meta/connect', clientId: alice?.clientId, advice: { timeout: 0 } });
      expect(pings).toBe(0);

      const large = post(session, { channel: '/meta/connect', clientId: alice?.clientId });
      await until(() => alice?.state === 'held');
      await server.publish('/news', BIG);
      expect(newsOf(await large)).toHaveLength(1);
      await server.publish('/news', 1);
      expect(newsOf(await again(30_000))).toEqual([{ channel: '/news', data: 1 }]);
      expect(pings).toBe(1);
      await clock.tick(14_999);
      expect(alice?.state).toBe('idle');
      await clock.tick(1);
      expect(alice?.state).toBe('gone');
      await until(() => clock.pending === 0);
    });
  },
);
