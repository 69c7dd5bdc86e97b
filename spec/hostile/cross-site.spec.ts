import { describe, expect, it } from 'vitest';
import { type Method, send } from '../http/send.ts';
import { type Started, start } from '../support/start.ts';
import { client } from '../transports/sessions.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { byToken, tokenOf } from './users.ts';

type Headers = Readonly<Record<string, string>>;

/** A request that a page can have the browser send, and the publish in it. */
interface Way {
  readonly method: Method;
  readonly type?: string;
  readonly path?: string;
  readonly body?: string;
}

const publish = JSON.stringify([{ channel: '/orders', data: 'buy' }]);
const encoded = encodeURIComponent(publish);

const form: Way = { method: 'POST', type: 'application/x-www-form-urlencoded', body: `message=${encoded}` };
const plainForm: Way = { method: 'POST', type: 'text/plain', body: `message=${encoded}` };
const plainJson: Way = { method: 'POST', type: 'text/plain;charset=UTF-8', body: publish };
const script: Way = { method: 'GET', path: `?jsonp=steal&message=${encoded}` };

/** A server with a user who is logged in by a cookie, and whose token may publish. */
async function visited() {
  const here = await start({ ...byToken, unconnectedPublish: 'allow' });
  const published: unknown[] = [];
  here.server.on('published', ({ data }) => published.push(data));
  return { ...here, published, cookie: `jwt=${await tokenOf(here)}`, own: new URL(here.url).origin };
}

async function statusOf({ url }: Started, way: Way, headers: Headers): Promise<number> {
  const { method, type, path = '', body } = way;
  const typed = type === undefined ? {} : { 'Content-Type': type };
  return (await send(url, method, path, { ...typed, ...headers }, body)).status;
}

const elsewhere: Headers = { Origin: 'https://evil.example' };
const sandboxed: Headers = { Origin: 'null' };

describe('a page of another site, in the browser of a user who is logged in by a cookie', () => {
  it('publishes nothing by a form (SEC-4)', async () => {
    const here = await visited();
    for (const way of [form, plainForm, plainJson]) {
      for (const headers of [elsewhere, sandboxed, { Origin: `${here.own}.evil.example` }])
        expect(await statusOf(here, way, { Cookie: here.cookie, ...headers })).toBe(403);
      expect(here.published).toEqual([]);
      expect(await statusOf(here, way, { Cookie: here.cookie, Origin: here.own })).toBe(200);
      expect(here.published.splice(0)).toEqual(['buy']);
    }
  });

  it('publishes and reads nothing by a script (SEC-5)', async () => {
    const here = await visited();
    const hidden: Headers = {};
    const pages: Headers[] = [
      { Referer: 'https://evil.example/' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      hidden,
    ];
    for (const headers of pages)
      expect(await statusOf(here, script, { Cookie: here.cookie, ...headers })).toBe(403);
    expect(here.published).toEqual([]);
    expect(await statusOf(here, script, { Cookie: here.cookie, Referer: `${here.own}/page` })).toBe(200);
    expect(here.published).toEqual(['buy']);
  });

  it('opens no WebSocket (SEC-3)', async () => {
    const here = await visited();
    const { cookie: Cookie, own, server, url } = here;
    for (const headers of [elsewhere, sandboxed])
      expect((await WebSocketClient.open(url, { Cookie, ...headers })).status).toBe(403);
    const page = await WebSocketClient.open(url, { Cookie, Origin: own });
    expect(await page.handshake()).toMatchObject({ successful: true });
    expect([...server.sessions].map(({ user }) => user?.id)).toEqual(['ann']);
  });

  it('opens no event stream, even where it knows the clientId', async () => {
    const here = await visited();
    const ann = await client(here.url, { headers: { Cookie: here.cookie } });
    const stream: Way = { method: 'GET', path: `/${ann.clientId}` };
    const accept = { Cookie: here.cookie, Accept: 'text/event-stream' };
    for (const headers of [
      elsewhere,
      { Referer: 'https://evil.example/' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ])
      expect(await statusOf(here, stream, { ...accept, ...headers })).toBe(403);
  });

  it('is not allowed what needs a preflight', async () => {
    const here = await visited();
    const asked = {
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type',
    };
    const { status, headers } = await send(here.url, 'OPTIONS', '', { ...asked, ...elsewhere });
    expect(status).toBe(403);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});
