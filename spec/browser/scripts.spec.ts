import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { pages } from '../../src/http/pages.ts';
import { type Hosting, host } from '../interop/host.ts';
import { hasChromium, tabs } from './chromium.ts';
import { library } from './library.ts';
import { fayeInPage } from './page-driver.ts';

const patience = { timeout: 15_000, interval: 20 };

/** Where a host is found under a name of its own, on plain HTTP. */
const named = (name: string, { origin }: Hosting): string => origin.replace('127.0.0.1', name);

/** Pages under another name: empty ones, with clients to load. */
async function otherSite(name: string, referrerPolicy?: string): Promise<string> {
  const app = express();
  app.use((_request, response, next) => {
    if (referrerPolicy !== undefined) response.set('Referrer-Policy', referrerPolicy);
    next();
  });
  const http = createServer(app.use(library));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://${name}:${(http.address() as AddressInfo).port}`;
}

/** Sends one message by a script, as a page does: the reply, or `refused` when the browser was given no script. */
function ask(page: Page, url: string, message: object, referrerPolicy: string): Promise<unknown> {
  const [at, text, policy] = [url, JSON.stringify(message), referrerPolicy].map((one) => JSON.stringify(one));
  return page.evaluate(`new Promise((resolve) => {
    window.heard = resolve;
    const script = document.createElement('script');
    script.referrerPolicy = ${policy};
    script.src = ${at} + '?jsonp=heard&message=' + encodeURIComponent(${text});
    script.onerror = () => resolve('refused');
    document.head.append(script);
  })`);
}

const handshake = {
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['callback-polling'],
};

/** Everything that a page can get out of a server by scripts, when the server publishes meanwhile. */
async function readBy(page: Page, place: Hosting, url: string, referrerPolicy: string): Promise<unknown> {
  const [reply] = [await ask(page, url, handshake, referrerPolicy)].flat();
  const { clientId } = Object(reply);
  const subscribe = { channel: '/meta/subscribe', clientId, subscription: '/**' };
  await ask(page, url, subscribe, referrerPolicy);
  await place.server.publish('/secret', 'read by a stranger');
  const connect = { channel: '/meta/connect', clientId, connectionType: 'callback-polling' };
  return ask(page, url, connect, referrerPolicy);
}

async function place(settings: ServerSettings = {}): Promise<Hosting> {
  return host(settings, { front: [library, pages('/bayeux', '1.2.3')] });
}

describe.skipIf(!hasChromium)('a page that loads scripts from a server on plain HTTP', () => {
  it.each(['no-referrer', 'strict-origin-when-cross-origin', 'same-origin'])(
    'reads and publishes nothing on another host, with the referrer policy %s',
    async (referrerPolicy) => {
      const victim = await place({ unconnectedPublish: 'allow' });
      const heard: unknown[] = [];
      victim.server.on('published', ({ data }) => void heard.push(data));
      const page = await (await tabs()).open(`${await otherSite('stranger.test')}/blank`);
      const url = `${named('victim.test', victim)}/bayeux`;
      expect(await readBy(page, victim, url, referrerPolicy)).toBe('refused');
      const forged = { channel: '/news', data: 'written by a stranger' };
      expect(await ask(page, url, forged, referrerPolicy)).toBe('refused');
      expect(heard).toEqual(['read by a stranger']);
      expect(victim.server.sessions.size).toBe(0);
    },
  );

  it('reads on its own host, and not without a Referer', async () => {
    const own = await place();
    const origin = named('victim.test', own);
    const page = await (await tabs()).open(`${origin}/blank`);
    const read = await readBy(page, own, `${origin}/bayeux`, 'same-origin');
    expect(read).toMatchObject([{ channel: '/secret' }, { channel: '/meta/connect', successful: true }]);
    expect(await ask(page, `${origin}/bayeux`, handshake, 'no-referrer')).toBe('refused');
  });

  it('reads on another host whose `origins` lists it', async () => {
    const friend = await otherSite('friend.test');
    const listing = await place({ origins: [friend] });
    const page = await (await tabs()).open(`${friend}/blank`);
    const url = `${named('victim.test', listing)}/bayeux`;
    const read = await readBy(page, listing, url, 'strict-origin');
    expect(read).toMatchObject([{ channel: '/secret' }, { channel: '/meta/connect', successful: true }]);
    expect(await ask(page, url, handshake, 'no-referrer')).toBe('refused');
  });

  it('serves Faye’s client of another host that is listed', async () => {
    const friend = await otherSite('friend.test');
    const listing = await place({ origins: [friend] });
    const page = await (await tabs()).open(`${friend}/blank`);
    const others = ['websocket', 'eventsource', 'long-polling', 'cross-origin-long-polling'];
    const faye = await fayeInPage(page, `${named('victim.test', listing)}/bayeux`, others);
    await faye.open();
    await faye.subscribe('/news');
    await listing.server.publish('/news', 1);
    await expect
      .poll(() => faye.heard(), patience)
      .toEqual([{ pattern: '/news', channel: '/news', data: 1 }]);
    expect(await faye.transport()).toBe('callback-polling');
    await faye.close();
  });

  it('is served the chat page under a name that is no localhost', async () => {
    const own = await place();
    const page = await (await tabs()).open(`${named('victim.test', own)}/?transport=callback-polling`);
    await page.waitForSelector('#status[data-state=open][data-transport=callback-polling]');
  });
});
