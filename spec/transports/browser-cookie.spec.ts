import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { send } from '../http/send.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client, reach } from './sessions.ts';
import { WebSocketClient } from './websocket-client.ts';

const json = { 'Content-Type': 'application/json' };
const handshake = {
  id: '1',
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['long-polling'],
};
const refused = { ...handshake, supportedConnectionTypes: ['flash'] };

async function cookieFrom(
  message: object,
  settings: ServerSettings = {},
  headers: Record<string, string> = {},
): Promise<string | undefined> {
  const { url } = await start(settings);
  const response = await send(url, 'POST', '', { ...json, ...headers }, JSON.stringify([message]));
  expect(response.status).toBe(200);
  return response.get('Set-Cookie')?.join();
}

describe('the browser cookie', () => {
  it('is set by a handshake that succeeds', async () => {
    expect(await cookieFrom(handshake)).toMatch(
      /^BAYEUX_BROWSER=[A-Za-z0-9]{22,64}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  it('is set by a script, too', async () => {
    const { url } = await start();
    const response = await send(url, 'GET', `?message=${encodeURIComponent(JSON.stringify(handshake))}`, {
      'Sec-Fetch-Site': 'same-origin',
    });
    expect(response.get('Set-Cookie')).toHaveLength(1);
  });

  it('is not set by anything else', async () => {
    expect(await cookieFrom(refused)).toBeUndefined();
    expect(await cookieFrom({ channel: '/meta/connect', clientId: 'nobody' })).toBeUndefined();
    expect(await cookieFrom(handshake, { browserCookie: false })).toBeUndefined();
  });

  it('is adopted when it may be ours, and replaced when it may not', async () => {
    expect(await cookieFrom(handshake, {}, { Cookie: 'a=b; BAYEUX_BROWSER=abcDEF12' })).toBeUndefined();
    expect(await cookieFrom(handshake, {}, { Cookie: 'BAYEUX_BROWSER="abcDEF12"' })).toBeUndefined();
    for (const bad of ['short', 'x'.repeat(65), 'with-dash-1', '', 'ünïcödé12']) {
      expect(await cookieFrom(handshake, {}, { Cookie: `BAYEUX_BROWSER=${encodeURI(bad)}` })).toBeDefined();
    }
    expect(await cookieFrom(handshake, {}, { Cookie: 'XBAYEUX_BROWSER=abcDEF12' })).toBeDefined();
  });

  it('follows the options', async () => {
    const browserCookie = {
      name: 'B',
      domain: 'app.example',
      path: '/x',
      maxAge: 60,
      secure: true,
      httpOnly: false,
      sameSite: 'None',
      partitioned: true,
    } as const;
    const cookie = await cookieFrom(handshake, { browserCookie });
    expect(cookie?.replace(/^B=\w+/, 'B=')).toBe(
      'B=; Path=/x; Domain=app.example; Max-Age=60; Secure; SameSite=None; Partitioned',
    );
  });

  it('says no SameSite where other origins may come, and Secure where a proxy has TLS', async () => {
    expect(await cookieFrom(handshake, { origins: '*' })).not.toContain('SameSite');
    const forwarded = { 'X-Forwarded-Proto': 'https' };
    expect(await cookieFrom(handshake, { trustProxy: 1 }, forwarded)).toContain('; Secure');
    expect(await cookieFrom(handshake, {}, forwarded)).not.toContain('Secure');
  });
});

const browser = { Cookie: 'BAYEUX_BROWSER=abcDEF12' };

describe('the tabs of one browser', () => {
  it('poll, but for the first; the next is held when that leaves', async () => {
    const { server, clock, url } = await start();
    const first = await client(url, { headers: browser });
    const second = await client(url, { headers: browser });
    const held = await first.hold();
    expect(await second.connect()).toMatchObject({
      successful: true,
      advice: { reconnect: 'retry', interval: 2000, timeout: 30_000, 'multiple-clients': true },
    });
    // EX-1: the pause counts.
    await clock.tick(16_999);
    expect(server.sessions.size).toBe(2);

    held.abort();
    await until(() => server.usage.browsers === 0);
    const now = await second.hold();
    expect(now.answered()).toBe(false);
    await clock.tick(30_000);
    expect(await now.messages).toMatchObject([{ advice: { interval: 0 } }]);
    expect(server.usage.browsers).toBe(0);
  });

  it('are refused where surplus tabs may not poll', async () => {
    const { url } = await start({ multiSessionInterval: 0 });
    const first = await client(url, { headers: browser });
    const second = await client(url, { headers: browser });
    await first.hold();
    expect(await second.connect()).toMatchObject({
      successful: false,
      error: '429::too_many_tabs',
      advice: { reconnect: 'none', interval: 0, timeout: 30_000, 'multiple-clients': true },
    });
  });

  it.each([
    [2, 2],
    [-1, 3],
    [0, 0],
  ])('with %i allowed, %i of three are held', async (maxSessionsPerBrowser, held) => {
    const { url } = await start({ maxSessionsPerBrowser });
    let answered = 0;
    for (let tab = 0; tab < 3; tab += 1) {
      const one = await client(url, { headers: browser });
      const sent = await one.hold();
      if (sent.answered()) answered += 1;
    }
    expect(3 - answered).toBe(held);
  });

  it('are not counted where there is no cookie', async () => {
    const { url } = await start({ browserCookie: false });
    for (let tab = 0; tab < 3; tab += 1) {
      const one = await client(url, { headers: browser });
      expect((await one.hold()).answered()).toBe(false);
    }
  });

  it('free the count however the connect ends', async () => {
    const { server, url } = await start();
    const first = await client(url, { headers: browser });
    const second = await client(url, { headers: browser });
    const [session] = server.sessions;
    await first.subscribe('/news');

    await first.hold();
    await server.publish('/news', 1);
    await until(() => server.usage.browsers === 0);
    await first.hold();
    await first.connect({ advice: { timeout: 0 } });
    expect(server.usage.browsers).toBe(0);
    await first.hold();
    session?.disconnect();
    expect(server.usage.browsers).toBe(0);
    expect((await second.hold()).answered()).toBe(false);
    await second.call('/meta/disconnect');
    expect(server.usage.browsers).toBe(0);
  });
});

describe('where the clientId alone is not trusted', () => {
  it('a session resolves with the cookie of its handshake only', async () => {
    const { url } = await start({ trustClientSession: false });
    const alice = await client(url);
    expect(await alice.call('/meta/subscribe', { subscription: '/a' })).toMatchObject({ successful: true });

    alice.link.headers = {};
    expect(await alice.call('/meta/subscribe', { subscription: '/a' })).toMatchObject({
      error: '402::session_unknown',
    });
    // CK-2: a pause, since with blocked cookies every new session fails alike.
    expect(await alice.connect()).toMatchObject({
      error: '402::session_unknown',
      advice: { reconnect: 'handshake', interval: 1000, timeout: 30_000 },
    });
    alice.link.headers = { Cookie: 'BAYEUX_BROWSER=someoneelse1' };
    expect(await alice.connect()).toMatchObject({ error: '402::session_unknown' });
  });

  it('a fresh WebSocket takes it with that cookie only (WS-10)', async () => {
    const { url } = await start({ trustClientSession: false });
    const alice = await client(url);
    const Cookie = String(alice.link.headers.Cookie);
    expect(Cookie).toContain('BAYEUX_BROWSER=');
    for (const [cookie, successful] of [
      ['', false],
      ['BAYEUX_BROWSER=someoneelse1', false],
      [Cookie, true],
    ] as const) {
      const wire = await WebSocketClient.open(url, cookie === '' ? {} : { Cookie: cookie });
      wire.clientId = String(alice.clientId);
      const message = wire.message('/meta/connect', { connectionType: 'websocket', advice: { timeout: 0 } });
      expect(await wire.ask(message)).toMatchObject({ successful });
    }
  });

  it('a stream opens with that cookie only', async () => {
    const { url } = await start({ trustClientSession: false });
    const alice = await client(url, { transport: 'eventsource' });
    expect(alice.stream?.status).toBe(200);
    expect((await reach(url).stream(alice.clientId)).status).toBe(404);
  });
});
