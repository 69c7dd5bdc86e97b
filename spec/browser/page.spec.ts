import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pages } from '../../src/http/pages.ts';
import { run } from '../interop/child.ts';
import { type Hosting, host } from '../interop/host.ts';
import { lobby, patience, rename, servedChat, version, write } from './chat-page.ts';
import { hasChromium, type Tabs, tabs } from './chromium.ts';
import { cutOff, faultsInAllWindows, faultsInBothSchemes, sizes } from './page-faults.ts';

const manifest: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));

/** The page as the program serves it. */
function served(): Promise<Hosting> {
  return servedChat({ multiSessionInterval: 100 });
}

/** The page on another site, for a bayeuxd that allows it. */
async function servedElsewhere(): Promise<{ origin: string; place: Hosting }> {
  let origin = '';
  const place = await host({ multiSessionInterval: 100, origins: (asking) => asking === origin });
  const http = createServer(express().use(pages(place.url, version)));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  origin = `http://localhost:${(http.address() as AddressInfo).port}`;
  return { origin, place };
}

async function connectedOver(page: Page, transport: string): Promise<void> {
  const taken = transport === 'automatic' ? 'websocket' : transport;
  await page.waitForSelector(`#status[data-state=open][data-transport=${taken}]`);
}

async function say(page: Page, name: string, text: string): Promise<void> {
  await rename(page, name);
  await write(page, text);
}

const lines = (page: Page) =>
  page.$$eval('#messages li', (items) =>
    items.map((item) => [
      item.className,
      item.querySelector('strong')?.textContent,
      item.querySelector('.text')?.textContent ?? item.textContent,
    ]),
  );

/** Messages that were not sent or not delivered: the text, and what the page says of it. */
const unsent = (page: Page) =>
  page.$$eval('#messages li:has(.note:not(:empty))', (items) =>
    items.map((item) => [item.querySelector('.text')?.textContent, item.querySelector('.note')?.textContent]),
  );

/** Two tabs of one browser, talking. */
async function chat(window: Tabs, origin: string, transport: string): Promise<void> {
  const url = `${origin}/?transport=${transport}`;
  const [ada, grace] = [await window.open(url), await window.open(url)];
  await connectedOver(ada, transport);
  await connectedOver(grace, transport);
  await say(ada, 'Ada', 'Hello <b>there</b>');
  await expect.poll(() => lines(grace), patience).toHaveLength(1);
  await say(grace, 'Grace', 'Hello yourself');
  await expect
    .poll(() => lines(ada), patience)
    .toEqual([
      ['mine', 'Ada', 'Hello <b>there</b>'],
      ['', 'Grace', 'Hello yourself'],
    ]);
  await expect
    .poll(() => lines(grace), patience)
    .toEqual([
      ['', 'Ada', 'Hello <b>there</b>'],
      ['mine', 'Grace', 'Hello yourself'],
    ]);
}

describe.skipIf(!hasChromium)('the page', () => {
  it.each(['websocket', 'eventsource', 'long-polling', 'callback-polling'])(
    'lets two tabs chat over %s',
    async (transport) => {
      const { origin } = await served();
      const window = await tabs();
      await chat(window, origin, transport);
      expect(window.complaints).toEqual([]);
    },
  );

  it('works as the program serves it', async () => {
    const { origin } = await run('bin/bayeuxd.js', { BAYEUXD_PORT: '0' });
    const window = await tabs();
    await chat(window, origin, 'websocket');
    expect(window.complaints).toEqual([]);
    const faye = await (await window.open(origin)).request.get(`${origin}/bayeux/client.js`);
    expect(await faye.text()).toContain('Faye 1.4');
    const page = await window.open(origin);
    await expect.poll(() => lines(page), patience).toHaveLength(2);
    expect(await page.textContent('#version')).toBe(manifest.version);
  });

  it('is as the operator’s own rules say: without a history when they switch it off', async () => {
    const channels = '{"/chat/**":{"history":false}}';
    const { origin } = await run('bin/bayeuxd.js', { BAYEUXD_PORT: '0', BAYEUXD_CHANNELS: channels });
    const page = await (await tabs()).open(origin);
    await expect.poll(() => page.textContent('#history'), patience).toContain('History is off');
  });

  it('lets two tabs of another site chat over callback-polling', async () => {
    const { origin, place } = await servedElsewhere();
    const window = await tabs();
    await chat(window, origin, 'callback-polling');
    expect(window.complaints).toEqual([]);
    expect([...place.server.sessions].map(({ transport }) => transport)).toEqual([
      'callback-polling',
      'callback-polling',
    ]);
  });

  it('takes WebSocket when nothing else is asked for, and the transport that is clicked', async () => {
    const { origin, server } = await served();
    const window = await tabs();
    const page = await window.open(origin);
    await connectedOver(page, 'websocket');
    for (const [label, transport] of [
      ['Callback-polling', 'callback-polling'],
      ['EventSource', 'eventsource'],
      ['Long-polling', 'long-polling'],
      ['Automatic', 'websocket'],
    ] as const) {
      await page.selectOption('#transport', { label });
      await connectedOver(page, transport);
      await expect
        .poll(() => [...server.sessions].map((one) => one.transport), patience)
        .toEqual([transport]);
    }
    expect(new URL(page.url()).search).toBe('?transport=');
    expect(window.complaints).toEqual([]);
  });

  it.each(['automatic', 'websocket', 'eventsource', 'long-polling'])(
    'says when the server stops, keeps a message until it is back, and sends it, over %s',
    async (transport) => {
      const place = await served();
      const page = await (await tabs()).open(`${place.origin}/?transport=${transport}`);
      await connectedOver(page, transport);
      await say(page, 'Ada', 'Before');
      await expect.poll(() => lines(page), patience).toHaveLength(1);
      await place.stop();
      await page.waitForSelector('#status[data-state=lost]');
      await say(page, 'Ada', 'Meanwhile');
      await expect.poll(() => unsent(page)).toEqual([['Meanwhile', 'Not sent yet']]);
      await place.start();
      await connectedOver(page, transport);
      await expect.poll(() => unsent(page), patience).toEqual([]);
      expect(await lines(page)).toEqual([
        ['mine', 'Ada', 'Before'],
        ['mine', 'Ada', 'Meanwhile'],
      ]);
    },
  );

  it.each(['automatic', 'websocket', 'eventsource', 'long-polling'])(
    'says within two seconds that the browser is offline, and catches up after, over %s',
    async (transport) => {
      const { origin, server } = await served();
      const page = await (await tabs()).open(`${origin}/?transport=${transport}`);
      await connectedOver(page, transport);
      await page.context().setOffline(true);
      await expect.poll(() => page.textContent('#status'), { timeout: 2_000 }).toContain('offline');
      await server.publish(lobby, { name: 'Grace', text: 'Are you there?' });
      await page.context().setOffline(false);
      await connectedOver(page, transport);
      await expect.poll(() => lines(page), patience).toEqual([['', 'Grace', 'Are you there?']]);
      expect(await page.textContent('#status')).not.toContain('offline');
    },
  );

  it('marks a message as not sent while the browser is offline, and sends it once', async () => {
    const { origin, server } = await served();
    const page = await (await tabs()).open(`${origin}/?transport=long-polling`);
    await connectedOver(page, 'long-polling');
    await rename(page, 'Ada');
    const heard: unknown[] = [];
    server.subscribe(lobby, ({ data }) => void heard.push(data));
    await page.context().setOffline(true);
    await page.waitForSelector('#status[data-state=offline]');
    await say(page, 'Ada', 'From the tunnel');
    await expect.poll(() => unsent(page)).toEqual([['From the tunnel', 'Not sent yet']]);
    await page.context().setOffline(false);
    await expect.poll(() => unsent(page), patience).toEqual([]);
    expect(await lines(page)).toEqual([['mine', 'Ada', 'From the tunnel']]);
    expect(heard).toHaveLength(1);
  });

  it.each(['websocket', 'eventsource'])(
    'shows the last 50 messages after a reload over %s',
    async (transport) => {
      const { origin, server } = await served();
      const page = await (await tabs()).open(`${origin}/?transport=${transport}`);
      await connectedOver(page, transport);
      const heard: unknown[] = [];
      server.subscribe(lobby, ({ data }) => void heard.push(data));
      await say(page, 'Ada', 'The first');
      // The page shows its own message before the server has it.
      await expect.poll(() => heard, patience).toHaveLength(1);
      for (let at = 1; at <= 49; at++) await server.publish(lobby, { name: 'Robot', text: `${at}` });
      await page.reload();
      await expect.poll(() => lines(page), patience).toHaveLength(50);
      expect((await lines(page))[0]).toEqual(['mine', 'Ada', 'The first']);
      await server.publish(lobby, { name: 'Robot', text: '50' });
      await page.reload();
      await expect.poll(async () => (await lines(page)).at(-1), patience).toEqual(['', 'Robot', '50']);
      expect((await lines(page)).map(([, , text]) => text)).toEqual(
        Array.from({ length: 50 }, (_, at) => `${at + 1}`),
      );
    },
  );

  it('says whether the server keeps the messages', async () => {
    const [keeping, other] = [await served(), await host({}, { front: [pages('/bayeux', version)] })];
    const window = await tabs();
    const page = await window.open(keeping.origin);
    await expect.poll(() => page.textContent('#history'), patience).toBe('History is on');
    await page.goto(other.origin);
    await expect.poll(() => page.textContent('#history'), patience).toContain('History is off');
  });

  it('says why a message was not accepted', async () => {
    const policy = { canPublish: () => false };
    const place = await host({ policy }, { front: [pages('/bayeux', version)] });
    const page = await (await tabs()).open(place.origin);
    await connectedOver(page, 'websocket');
    await say(page, 'Ada', 'May I?');
    await expect.poll(() => unsent(page), patience).toEqual([['May I?', 'Not sent: publish denied']]);
  });

  it('says that no messages come when it may not subscribe', async () => {
    const policy = { canSubscribe: () => false };
    const place = await host({ policy }, { front: [pages('/bayeux', version)] });
    const page = await (await tabs()).open(place.origin);
    await expect
      .poll(() => page.textContent('#problem'), patience)
      .toBe('No messages come: subscribe denied');
  });

  it('keeps the newest message in view when the window shrinks', async () => {
    const { origin, server } = await served();
    for (let at = 0; at < 30; at++) await server.publish(lobby, { name: 'Robot', text: `${at}` });
    const page = await (await tabs({ viewport: { width: 390, height: 844 } })).open(origin);
    await expect.poll(() => lines(page), patience).toHaveLength(30);
    await page.setViewportSize({ width: 390, height: 500 });
    const below = () => page.$eval('#scroll', ({ scrollTop }) => -scrollTop);
    await expect.poll(below, patience).toBeLessThanOrEqual(1);
  });

  it('says its version, and has the documentation behind a link', async () => {
    const { origin } = await served();
    const page = await (await tabs()).open(origin);
    expect(await page.textContent('#version')).toBe('1.2.3');
    await page.getByRole('link', { name: 'Documentation' }).click();
    await page.waitForURL('**/docs/**');
    expect(await page.textContent('h1')).toBe('Documentation, by task');
    await page.getByRole('link', { name: 'history', exact: true }).click();
    await page.waitForURL('**/docs/history.html');
    expect(await page.textContent('h1')).toBe('History and replay');
  });

  it('cuts nothing off in windows of four sizes', async () => {
    const { origin, server } = await served();
    for (let at = 0; at < 30; at++)
      await server.publish(lobby, { name: 'Robot', text: `${at} ${'word '.repeat(at)}` });
    const page = await (await tabs()).open(origin);
    await connectedOver(page, 'websocket');
    await expect.poll(() => lines(page), patience).toHaveLength(30);
    for (const size of sizes) {
      await page.setViewportSize(size);
      expect(await page.evaluate(cutOff), `${size.width} x ${size.height}`).toEqual([]);
    }
  });

  it('has no fault that axe calls serious, online and offline, in windows of four sizes, light and dark', async () => {
    const { origin, server } = await served();
    const page = await (await tabs({ bypassCSP: true })).open(`${origin}/?transport=long-polling`);
    await connectedOver(page, 'long-polling');
    await server.publish(lobby, { name: 'Grace', text: 'Hello' });
    await say(page, 'Ada', 'Hello');
    await expect.poll(() => lines(page), patience).toHaveLength(2);
    expect(await faultsInAllWindows(page)).toEqual([]);
    await page.context().setOffline(true);
    await page.waitForSelector('#status[data-state=offline]');
    await say(page, 'Ada', 'Anybody?');
    await expect.poll(() => unsent(page)).toHaveLength(1);
    expect(await faultsInAllWindows(page)).toEqual([]);
  });
});

describe.skipIf(!hasChromium)('the documentation that is served', () => {
  it('has no fault that axe calls serious, light and dark, and fits a phone', async () => {
    const { origin } = await served();
    const window = await tabs({ viewport: { width: 390, height: 844 }, bypassCSP: true });
    for (const name of ['', 'history.html', 'readme.html']) {
      const page = await window.open(`${origin}/docs/${name}`);
      expect(await faultsInBothSchemes(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    }
    expect(window.complaints).toEqual([]);
  });
});
