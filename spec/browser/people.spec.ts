import { SignJWT } from 'jose';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Driver } from '../interop/driver.ts';
import { cometdInPage } from './page-driver.ts';
import { entries, isOpen, lobby, patience, rename, servedChat, texts, write } from './chat-page.ts';
import { doomedBrowser, hasChromium, type Tabs, tabs } from './chromium.ts';
import { cutOff, faultsInAllWindows, faultsInBothSchemes, sizes } from './page-faults.ts';

const secret = 'a secret of at least thirty-two bytes';
const phone = { viewport: { width: 390, height: 844 } };
/** With a short grace: a spec need not wait. */
const channels = { '/chat/*': { presence: { grace: 300 } } };

function token(sub: string): Promise<string> {
  const chat = ['/chat/*', '/typing/*'];
  const bayeux = { subscribe: chat, publish: chat, history: chat, call: ['/service/*'] };
  const signed = new SignJWT({ sub, bayeux, exp: Math.floor(Date.now() / 1000) + 600 });
  return signed.setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
}

/** Opens the page as a guest of this name. */
async function guest(window: Tabs, url: string, name: string): Promise<Page> {
  const page = await window.open(url);
  await isOpen(page);
  await rename(page, name);
  await expect.poll(() => names(page), patience).toContain(name);
  return page;
}

const people = (page: Page) => entries(page, 'people-list');
/** The direct messages: who wrote to whom, and the text. */
const direct = (page: Page) =>
  page.$$eval('#messages li[data-kind=direct]', (items) =>
    items.map((item) => [
      item.querySelector('strong')?.textContent,
      item.querySelector('.text')?.textContent,
    ]),
  );
const names = async (page: Page) => (await people(page)).map((entry) => entry.split(', ')[0]);
const typing = (page: Page) => page.textContent('#typing');

/** A page that runs no chat, with a CometD client that a spec drives. */
async function stranger(window: Tabs, origin: string, transport = 'websocket'): Promise<Driver> {
  const client = await cometdInPage(await window.open(`${origin}/blank`), '9', `${origin}/bayeux`, transport);
  await client.open();
  return client;
}

/** The types of the changes of a list that a client has heard. */
const changes = async (client: Driver) =>
  (await client.heard()).map(({ data }) => (data as { type: string }).type);

/** Notes everything that the page says of who is typing, from here on. */
const watchTyping = (page: Page) =>
  page.evaluate(`(() => {
    window.typed = [];
    const line = document.querySelector('#typing');
    new MutationObserver(() => line.textContent && window.typed.push(line.textContent)).observe(line, { childList: true });
  })()`);

const opener = (page: Page, panel: string) => page.locator(`.opener[popovertarget=${panel}]`);
const personTo = (page: Page, name: string) => page.locator('#people-list a', { hasText: name });

describe.skipIf(!hasChromium)('people on the chat page', () => {
  it('see each other in the room, and two with the same name are two', async () => {
    const { origin } = await servedChat({ channels });
    const window = await tabs();
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you', 'Grace']);
    await expect.poll(() => people(grace), patience).toEqual(['Ada', 'Grace, you']);
    await rename(grace, 'Ada');
    await expect
      .poll(async () => (await people(ada)).sort(), patience)
      .toEqual([expect.stringMatching(/^Ada, #\w{4}/), expect.stringMatching(/^Ada, #\w{4}/)]);
    expect((await people(ada)).filter((entry) => entry.endsWith('you'))).toHaveLength(1);
    await expect.poll(() => ada.textContent('#everyone'), patience).toBe('2 online on this server');
    expect(window.complaints).toEqual([]);
  });

  it('are in one room at a time, which is in the address', async () => {
    const { origin } = await servedChat({ channels });
    const window = await tabs();
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await write(ada, 'In the lobby');
    await ada.fill('#new-room-name', 'The Garden');
    await ada.press('#new-room-name', 'Enter');
    await expect.poll(() => ada.textContent('#room-name')).toBe('the-garden');
    expect(new URL(ada.url()).hash).toBe('#room=the-garden');
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you']);
    await expect.poll(() => people(grace), patience).toEqual(['Grace, you']);
    await write(ada, 'Among the roses');
    await grace.goto(`${origin}/#room=the-garden`);
    await expect.poll(() => texts(grace), patience).toEqual(['Among the roses']);
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you', 'Grace']);
    await ada.goBack();
    await expect.poll(() => texts(ada), patience).toEqual(['In the lobby']);
    await expect.poll(() => entries(ada, 'room-list')).toEqual(['lobby', 'help', 'random', 'the-garden']);
    expect(window.complaints).toEqual([]);
  });

  it('are one entry in three tabs with the same token', async () => {
    const { origin, server } = await servedChat({ channels, auth: { secret } });
    const window = await tabs();
    const bob = await window.open(`${origin}/#token=${await token('bob')}`);
    await isOpen(bob);
    for (let at = 1; at <= 3; at++) await isOpen(await window.open(`${origin}/#token=${await token('ann')}`));
    await expect.poll(() => people(bob), patience).toEqual(['ann, 3 tabs', 'bob, you']);
    expect(server.sessions.size).toBe(4);
  });

  it('do not come and go when a page is loaded anew ten times', async () => {
    const { origin } = await servedChat({ channels: { '/chat/*': { presence: { grace: 60_000 } } } });
    const window = await tabs();
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await expect.poll(() => people(grace), patience).toEqual(['Ada', 'Grace, you']);
    const watcher = await stranger(window, origin);
    await watcher.subscribe(`/presence${lobby}`);
    for (let at = 0; at < 10; at++) {
      await ada.reload();
      await isOpen(ada);
      await expect.poll(() => people(ada), patience).toEqual(['Ada, you', 'Grace']);
    }
    // A change of another kind shows that the list still comes.
    await rename(ada, 'Ada L');
    await expect.poll(() => people(grace), patience).toEqual(['Ada L', 'Grace, you']);
    await expect.poll(() => changes(watcher), patience).toContain('update');
    const comings = (await changes(watcher)).filter((type) => type === 'join' || type === 'leave');
    expect(comings).toEqual([]);
  });

  it('leave when their browser is killed, after the session expired and the grace', async () => {
    const { origin, server } = await servedChat({ channels, maxInterval: 500 });
    const window = await tabs();
    const ada = await guest(window, origin, 'Ada');
    const watcher = await stranger(window, origin);
    const doomed = await doomedBrowser();
    await guest(doomed, origin, 'Grace');
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you', 'Grace']);
    await watcher.subscribe(`/presence${lobby}`);
    const ended: (string | undefined)[] = [];
    server.on('session.closed', ({ reason }) => void ended.push(reason));
    await doomed.kill();
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you']);
    await expect.poll(() => changes(watcher), patience).toEqual(['snapshot', 'leave']);
    expect(ended).toEqual(['timeout']);
  });

  it('are seen typing, and no more when they pause or send', async () => {
    const { origin } = await servedChat({ channels });
    const window = await tabs();
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await grace.locator('#text').pressSequentially('Hel');
    await expect.poll(() => typing(ada), patience).toBe('Grace is typing …');
    await expect.poll(() => typing(ada), patience).toBe('');
    await grace.locator('#text').pressSequentially('lo');
    await expect.poll(() => typing(ada), patience).toBe('Grace is typing …');
    await grace.press('#text', 'Enter');
    await expect.poll(() => texts(ada), patience).toEqual(['Hello']);
    expect(await typing(ada)).toBe('');
    expect(await typing(grace)).toBe('');
    expect(window.complaints).toEqual([]);
  });

  it.each(['websocket', 'long-polling', 'eventsource'])(
    'are not seen typing late, by a page that was offline meanwhile: %s',
    async (transport) => {
      const { origin, server } = await servedChat({ channels, maxInterval: 60_000 });
      const away = await guest(await tabs(), `${origin}/?transport=${transport}`, 'Ada');
      const grace = await guest(await tabs(), origin, 'Grace');
      await watchTyping(away);
      await away.context().setOffline(true);
      await away.waitForSelector('#status[data-state=offline]');
      const heard: string[] = [];
      server.subscribe('/typing/*', ({ channel }) => void heard.push(channel));
      await grace.locator('#text').pressSequentially('Is she there?');
      await expect.poll(() => heard.length, patience).toBeGreaterThan(0);
      await write(grace, 'Is she there?');
      await away.context().setOffline(false);
      await expect.poll(() => texts(away), patience).toEqual(['Is she there?']);
      expect(await away.evaluate('window.typed')).toEqual([]);
    },
  );
});

describe.skipIf(!hasChromium)('direct messages on the chat page', () => {
  it('reach all tabs of their receiver and of their sender, and nobody else', async () => {
    const { origin } = await servedChat({ channels, auth: { secret } });
    const window = await tabs();
    const open = async (name: string) => {
      const page = await window.open(`${origin}/#token=${await token(name)}`);
      await isOpen(page);
      return page;
    };
    const [ann, annToo, bob, cal] = [
      await open('ann'),
      await open('ann'),
      await open('bob'),
      await open('cal'),
    ];
    await expect.poll(() => people(ann), patience).toEqual(['ann, you · 2 tabs', 'bob', 'cal']);
    await personTo(ann, 'bob').click();
    await write(ann, 'Just for you');
    for (const page of [ann, annToo, bob])
      await expect.poll(() => direct(page), patience).toEqual([['ann to bob', 'Just for you']]);
    expect(await ann.textContent('#receiver')).toBe('bob');
    expect([await ann.isVisible('#alone'), await bob.isVisible('#alone')]).toEqual([true, false]);
    await personTo(bob, 'ann').click();
    await write(bob, 'I will tell no one');
    for (const page of [ann, annToo])
      await expect.poll(() => direct(page), patience).toContainEqual(['bob to ann', 'I will tell no one']);
    await ann.getByRole('link', { name: 'Write to all' }).click();
    await write(ann, 'Hello all');
    await expect.poll(() => texts(cal), patience).toEqual(['Hello all']);
    expect(window.complaints).toEqual([]);
  });

  it('give no byte to a page that subscribes to everything and forges', async () => {
    const { origin } = await servedChat({ channels });
    const window = await tabs();
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    const page = await window.open(`${origin}/blank`);
    let bytes = '';
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        bytes += payload;
      });
    });
    const client = await cometdInPage(page, '9', `${origin}/bayeux`, 'websocket');
    await client.open();
    const patterns = [
      '/**',
      '/*',
      '/chat/**',
      '/service/**',
      '/service/*',
      '/service/direct',
      '/presence/**',
      '/presence/chat/*',
    ];
    for (const pattern of patterns) await client.subscribe(pattern).catch(() => {});
    for (const channel of [`/presence${lobby}`, '/service/direct'])
      await client
        .publish(channel, { type: 'snapshot', users: [], total: 0, seq: 9, from: { id: 'x' } })
        .catch(() => {});
    await personTo(ada, 'Grace').click();
    await grace.locator('#people-list a', { hasText: 'Ada' }).click();
    await ada.locator('#text').pressSequentially('Just');
    await expect.poll(() => typing(grace), patience).toBe('Ada is typing …');
    await write(ada, 'Just for you');
    await expect.poll(() => texts(grace), patience).toEqual(['Just for you']);
    await grace.getByRole('link', { name: 'Write to all' }).click();
    await write(grace, 'For all in the room');
    await expect.poll(() => bytes, patience).toContain('For all in the room');
    expect(bytes).not.toContain('Just');
    expect(bytes).not.toContain('"from":{');
    expect(bytes).not.toContain('snapshot');
    expect(await people(ada)).toEqual(['Ada, you', 'Grace']);
  });

  it('come after a reload again, and say when the person is gone', async () => {
    const { origin } = await servedChat({
      channels: { ...channels, '/service/direct': { addressed: true } },
    });
    const window = await tabs();
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await personTo(ada, 'Grace').click();
    await write(ada, 'Hello');
    await expect.poll(() => texts(grace), patience).toEqual(['Hello']);
    await grace.close();
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you']);
    await write(ada, 'Are you there?');
    const notes = () => ada.$$eval('#messages .note', (all) => all.map((one) => one.textContent));
    await expect.poll(notes, patience).toEqual(['', 'Not delivered: offline']);
    await ada.reload();
    await expect.poll(() => texts(ada), patience).toEqual(['Hello', 'Are you there?']);
    expect(await ada.isVisible('#alone')).toBe(true);
    expect(window.complaints).toEqual([]);
  });

  it('work on a phone, upright and sideways, with rooms and people behind buttons', async () => {
    const { origin } = await servedChat({ channels });
    const [desk, hand] = [await tabs(), await tabs({ ...phone, bypassCSP: true })];
    const ada = await guest(desk, origin, 'Ada');
    const grace = await guest(hand, origin, 'Grace');
    expect(await grace.isVisible('#people-list')).toBe(false);
    expect(await opener(grace, 'people').textContent()).toBe('People 2');
    await opener(grace, 'people').click();
    await personTo(grace, 'Ada').click();
    await expect.poll(() => grace.isVisible('#people-list')).toBe(false);
    await write(grace, 'From my phone');
    await expect.poll(() => direct(ada), patience).toEqual([['Grace to Ada', 'From my phone']]);
    await personTo(ada, 'Grace').click();
    await grace.setViewportSize({ width: 844, height: 390 });
    await opener(grace, 'rooms').click();
    await grace.locator('#room-list a', { hasText: 'help' }).click();
    await expect.poll(() => grace.isVisible('#room-list')).toBe(false);
    await write(ada, 'Got it');
    await expect.poll(() => direct(grace), patience).toContainEqual(['Ada to Grace', 'Got it']);
    expect([...desk.complaints, ...hand.complaints]).toEqual([]);
  });

  /** Ada, in the room, with a new direct message of Grace. */
  async function withNews(): Promise<Page> {
    const { origin } = await servedChat({ channels });
    const window = await tabs({ bypassCSP: true });
    const [ada, grace] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await write(ada, 'Hello');
    await personTo(grace, 'Ada').click();
    await write(grace, 'Hello you');
    await expect.poll(() => direct(ada), patience).toEqual([['Grace to Ada', 'Hello you']]);
    return ada;
  }

  it('have no fault that axe calls serious, nor has the room, in windows of four sizes, light and dark', {
    timeout: 60_000,
  }, async () => {
    const ada = await withNews();
    expect(await faultsInAllWindows(ada)).toEqual([]);
    await ada.setViewportSize({ width: 1280, height: 800 });
    await personTo(ada, 'Grace').click();
    await expect.poll(() => ada.isVisible('#alone')).toBe(true);
    expect(await faultsInAllWindows(ada)).toEqual([]);
  });

  it.each(['rooms', 'people'])(
    'leave nothing cut off and no serious fault in the panel of %s, light and dark, in small windows',
    { timeout: 60_000 },
    async (panel) => {
      const ada = await withNews();
      for (const size of sizes.slice(1)) {
        await ada.setViewportSize(size);
        await opener(ada, panel).click();
        expect(await ada.isVisible(`#${panel}`)).toBe(true);
        expect(await ada.evaluate(cutOff), `at ${size.width}`).toEqual([]);
        expect(await faultsInBothSchemes(ada), `at ${size.width}`).toEqual([]);
        await ada.keyboard.press('Escape');
        expect(await ada.isVisible(`#${panel}`)).toBe(false);
      }
    },
  );

  it('are reached by keys alone', async () => {
    const { origin } = await servedChat({ channels });
    const window = await tabs();
    const [ada] = [await guest(window, origin, 'Ada'), await guest(window, origin, 'Grace')];
    await expect.poll(() => people(ada), patience).toEqual(['Ada, you', 'Grace']);
    await ada.focus('#name');
    const isThere = () => ada.evaluate("document.activeElement.matches('#people-list a')");
    for (let at = 0; at < 5 && !(await isThere()); at++) await ada.keyboard.press('Tab');
    expect(await isThere()).toBe(true);
    await ada.keyboard.press('Enter');
    await expect.poll(() => ada.textContent('#receiver')).toBe('Grace');
  });
});
