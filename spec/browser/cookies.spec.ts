import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { SignJWT } from 'jose';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { type Hosting, host } from '../interop/host.ts';
import { hasChromium, tabs } from './chromium.ts';

const secret = 'a secret of at least thirty-two bytes';
const blank = '<!doctype html><title>blank</title>';

/** A server that knows ann by her cookie, and what reached it with that cookie. */
interface Bank {
  readonly place: Hosting;
  readonly withCookie: string[];
  /** What was published to her channel. */
  readonly published: unknown[];
}

async function bank(settings: ServerSettings = {}): Promise<Bank> {
  const token = await new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('10 min')
    .sign(new TextEncoder().encode(secret));
  const withCookie: string[] = [];
  const app = express()
    .use((request, _response, next) => {
      if (request.headers.cookie?.includes(token) === true) withCookie.push(request.method);
      next();
    })
    .get('/', (_request, response) => void response.type('html').send(blank))
    .get('/login', (_request, response) => {
      response.cookie('jwt', token, { httpOnly: true, sameSite: 'strict' }).type('html').send(blank);
    });
  const users = { subscribe: 'users', publish: 'users' } as const;
  const place = await host(
    {
      auth: { secret, cookie: 'jwt' },
      authByCookie: true,
      channels: { '/users/$sub': { grants: users } },
      ...settings,
    },
    { front: [app] },
  );
  const published: unknown[] = [];
  await place.server.subscribe('/users/ann', ({ data }) => published.push(data));
  return { place, withCookie, published };
}

/** The port of a server of somebody else. */
async function elsewhere(): Promise<number> {
  const http = createServer(express().use((_request, response) => void response.type('html').send(blank)));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return (http.address() as AddressInfo).port;
}

/** In a page: tries each way to the server, and says what it read. `clientId` is that of a session of ann. */
const attempts = (url: string, clientId: string) => `(async () => {
  const url = ${JSON.stringify(url)};
  const clientId = ${JSON.stringify(clientId)};
  const types = ['long-polling', 'websocket', 'callback-polling'];
  const shake = [{ channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: types }];
  const publish = (data) => [{ channel: '/users/ann', clientId, data }];
  const post = async (type, messages, mode = 'cors') => {
    const headers = { 'Content-Type': type };
    const body = JSON.stringify(messages);
    const response = await fetch(url, { method: 'POST', credentials: 'include', mode, headers, body });
    return response.text();
  };
  const socket = (messages) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.onopen = () => socket.send(JSON.stringify(messages));
    socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
    socket.onerror = reject;
  });
  const script = (messages, policy) => new Promise((resolve, reject) => {
    window.read = (replies) => resolve(JSON.stringify(replies));
    const element = document.createElement('script');
    element.referrerPolicy = policy;
    element.onload = () => reject(new Error('nothing was called'));
    element.onerror = reject;
    element.src = url + '?jsonp=read&message=' + encodeURIComponent(JSON.stringify(messages));
    document.head.append(element);
  });
  const form = (messages) => new Promise((resolve, reject) => {
    const frame = document.createElement('iframe');
    frame.name = 'target' + document.forms.length;
    document.body.append(frame);
    const element = document.createElement('form');
    Object.assign(element, { method: 'post', action: url, target: frame.name });
    const field = document.createElement('input');
    Object.assign(field, { name: 'message', value: JSON.stringify(messages) });
    element.append(field);
    document.body.append(element);
    frame.onload = () => {
      if (frame.contentDocument?.URL === 'about:blank') return;
      try { resolve(frame.contentDocument.body.innerText); } catch (error) { reject(error); }
    };
    element.submit();
  });
  const stream = () => new Promise((resolve, reject) => {
    const source = new EventSource(url + '/' + clientId, { withCredentials: true });
    source.onopen = () => { resolve('open'); source.close(); };
    source.onerror = (error) => { reject(error); source.close(); };
  });
  const ways = {
    json: () => post('application/json', shake),
    text: () => post('text/plain', shake),
    opaque: () => post('text/plain', shake, 'no-cors'),
    socket: () => socket(shake),
    script: () => script(shake, ''),
    'script without a Referer': () => script(shake, 'no-referrer'),
    form: () => form(shake),
    stream: () => stream(),
    'publish by text': () => post('text/plain', publish('text')),
    'publish by form': () => form(publish('form')),
    'publish by script': () => script(publish('script'), ''),
    'publish by socket': () => socket(publish('socket')),
  };
  const read = {};
  for (const [name, way] of Object.entries(ways)) read[name] = (await way().catch(() => '')) || 'nothing';
  return read;
})()`;

/** A session of ann, opened by a page of the server itself. */
async function opened(page: Page, { place }: Bank): Promise<string> {
  const shake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const [reply] = await page.evaluate<[{ clientId: string }]>(
    `fetch(${JSON.stringify(place.url)}, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: ${JSON.stringify(JSON.stringify([shake]))},
    }).then((response) => response.json())`,
  );
  expect(reply).toMatchObject({ successful: true });
  return reply.clientId;
}

/** What the page can do: what each way read, how many sessions it opened, and what it published. */
async function attempted(page: Page, { place, withCookie, published }: Bank, clientId: string) {
  withCookie.length = 0;
  const before = [...place.server.sessions].length;
  const read: Record<string, string> = await page.evaluate(attempts(place.url, clientId));
  const sessions = [...place.server.sessions].length - before;
  return { read, sessions, published, methods: new Set(withCookie) };
}

const shaken = expect.stringMatching(/"clientId":"\w+","successful":true/);
const accepted = '[{"channel":"/users/ann","successful":true}]';
const nothing = {
  ...{ json: 'nothing', text: 'nothing', opaque: 'nothing', socket: 'nothing', script: 'nothing' },
  ...{ 'script without a Referer': 'nothing', form: 'nothing', stream: 'nothing' },
  ...{ 'publish by text': 'nothing', 'publish by form': 'nothing', 'publish by script': 'nothing' },
  'publish by socket': 'nothing',
};

describe.skipIf(!hasChromium)('a browser whose cookie has a token', () => {
  it('lets a page of the same origin open sessions, publish and read', async () => {
    const here = await bank();
    const page = await (await tabs()).open(`${here.place.origin}/login`);
    const clientId = await opened(page, here);
    const { read, sessions, published } = await attempted(page, here, clientId);
    expect(read).toEqual({
      ...{ json: shaken, text: shaken, opaque: shaken, socket: shaken, script: shaken },
      ...{ 'script without a Referer': shaken, form: shaken, stream: 'open' },
      ...{ 'publish by text': accepted, 'publish by form': accepted, 'publish by script': accepted },
      'publish by socket': accepted,
    });
    expect(sessions).toBe(7);
    expect(published).toEqual(['text', 'form', 'script', 'socket']);
  });

  // A browser sends a cookie to every port of its host, `SameSite=Strict` or not.
  it('lets no page of another port do any of it, though the browser sends the cookie', async () => {
    const here = await bank();
    const window = await tabs();
    const clientId = await opened(await window.open(`${here.place.origin}/login`), here);
    const page = await window.open(`http://127.0.0.1:${await elsewhere()}/`);
    const { read, sessions, published, methods } = await attempted(page, here, clientId);
    expect({ read, sessions, published }).toEqual({ read: nothing, sessions: 0, published: [] });
    expect(methods).toEqual(new Set(['POST', 'GET']));
  });

  it('lets no page of another site do any of it, without the cookie', async () => {
    const here = await bank();
    const window = await tabs();
    const clientId = await opened(await window.open(`${here.place.origin}/login`), here);
    const page = await window.open(`http://evil.test:${await elsewhere()}/`);
    const { read, sessions, published, methods } = await attempted(page, here, clientId);
    expect({ read, sessions, published }).toEqual({ read: nothing, sessions: 0, published: [] });
    expect(methods).toEqual(new Set());
  });

  it('lets a page of another origin that is listed open sessions, publish and read, but not by scripts', async () => {
    const origin = `http://127.0.0.1:${await elsewhere()}`;
    const here: Bank = await bank({
      origins: (asking) => asking === origin || asking === here.place.origin,
      transports: ['websocket', 'eventsource', 'long-polling'],
    });
    const window = await tabs();
    const clientId = await opened(await window.open(`${here.place.origin}/login`), here);
    const page = await window.open(origin);
    const { read, published } = await attempted(page, here, clientId);
    expect(read).toEqual({
      ...nothing,
      ...{ json: shaken, text: shaken, socket: shaken, stream: 'open' },
      ...{ 'publish by text': accepted, 'publish by socket': accepted },
    });
    expect(published).toEqual(['text', 'form', 'socket']);
  });
});
