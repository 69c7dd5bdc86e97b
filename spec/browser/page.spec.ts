import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pages } from '../../src/http/pages.ts';
import { run } from '../interop/child.ts';
import { type Host, host } from '../interop/host.ts';
import { hasChromium, type Tabs, tabs } from './chromium.ts';

const patience = { timeout: 15_000, interval: 20 };

/** The page as the program serves it. */
function served(): Promise<Host> {
  return host({ multiSessionInterval: 100 }, { front: [pages('/bayeux')] });
}

/** The page on another site, for a bayeuxd that allows it. */
async function servedElsewhere(): Promise<{ origin: string; place: Host }> {
  let origin = '';
  const place = await host({ multiSessionInterval: 100, origins: (asking) => asking === origin });
  const http = createServer(express().use(pages(place.url)));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  origin = `http://localhost:${(http.address() as AddressInfo).port}`;
  return { origin, place };
}

async function connectedOver(page: Page, transport: string): Promise<void> {
  await page.waitForSelector(`#status[data-state=open][data-transport=${transport}]`);
}

async function say(page: Page, name: string, text: string): Promise<void> {
  await page.fill('#name', name);
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

const lines = (page: Page) =>
  page.$$eval('#messages li', (items) =>
    items.map((item) => [
      item.className,
      item.querySelector('strong')?.textContent,
      item.lastChild?.textContent,
    ]),
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
  it.each(['websocket', 'long-polling', 'callback-polling'])(
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
      ['Long-polling', 'long-polling'],
      ['Automatic', 'websocket'],
    ] as const) {
      await page.getByLabel(label).check({ force: true });
      await connectedOver(page, transport);
      await expect
        .poll(() => [...server.sessions].map((one) => one.transport), patience)
        .toEqual([transport]);
    }
    expect(new URL(page.url()).search).toBe('');
    expect(window.complaints).toEqual([]);
  });

  it('says that a second polling tab takes turns', async () => {
    const { origin } = await served();
    const window = await tabs();
    const first = await window.open(`${origin}/?transport=long-polling`);
    await connectedOver(first, 'long-polling');
    const second = await window.open(`${origin}/?transport=long-polling`);
    await expect.poll(() => second.textContent('#status'), patience).toContain('beside another tab');
  });

  it('says when it is cut off, and goes on when the server is back', async () => {
    const place = await served();
    const window = await tabs();
    const page = await window.open(place.origin);
    await connectedOver(page, 'websocket');
    await place.stop();
    await page.waitForSelector('#status[data-state=lost]');
    expect(await page.isDisabled('#send')).toBe(true);
    await place.start();
    await connectedOver(page, 'websocket');
    await say(page, 'Ada', 'Back again');
    await expect.poll(() => lines(page), patience).toEqual([['mine', 'Ada', 'Back again']]);
  });

  it('says why a message was not accepted, and gives its text back', async () => {
    const place = await host({ policy: { canPublish: () => false } }, { front: [pages('/bayeux')] });
    const page = await (await tabs()).open(place.origin);
    await connectedOver(page, 'websocket');
    await say(page, 'Ada', 'May I?');
    await expect
      .poll(() => page.textContent('#problem'), patience)
      .toBe('Not sent: 403:/chat/lobby:publish_denied');
    expect(await page.inputValue('#text')).toBe('May I?');
  });

  it('fits a phone', async () => {
    const { origin } = await served();
    const page = await (await tabs({ viewport: { width: 320, height: 568 } })).open(origin);
    await connectedOver(page, 'websocket');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    const send = await page.locator('#send').boundingBox();
    expect((send?.y ?? 0) + (send?.height ?? 0)).toBeLessThanOrEqual(568);
  });
});
