import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { patience } from './chat-page.ts';
import { hasChromium, type Tabs, tabs } from './chromium.ts';
import { guideIn } from './guided.ts';

const { filesOf, run } = guideIn('docs/guide/chat.md');

const messages = (page: Page) => page.$$eval('#messages li', (all) => all.map((one) => one.textContent));
const people = (page: Page) => page.$$eval('#people li', (all) => all.map((one) => one.textContent));

async function open(window: Tabs, url: string): Promise<Page> {
  const page = await window.open(url);
  await expect.poll(() => page.textContent('#status'), patience).toBe('Connected');
  return page;
}

async function say(page: Page, words: string): Promise<void> {
  await page.fill('#text', words);
  await page.press('#text', 'Enter');
}

/** Two guests, in the room of the address. */
async function two(window: Tabs, origin: string): Promise<[Page, Page]> {
  return [await open(window, `${origin}/?name=Ada`), await open(window, `${origin}/?name=Grace`)];
}

describe.skipIf(!hasChromium)('the guide to a chat', () => {
  it('1: serves a page', async () => {
    const window = await tabs();
    const page = await window.open((await run(1)).origin);
    await expect.poll(() => page.textContent('#status')).toBe('Nothing here yet');
    expect(window.complaints.filter((one) => !one.includes('favicon') && !one.includes('404'))).toEqual([]);
  });

  it('2: connects', async () => {
    await open(await tabs(), (await run(2)).origin);
  });

  it('3: sends and shows messages', async () => {
    const { origin } = await run(3);
    const window = await tabs();
    const [ada, grace] = [await open(window, origin), await open(window, origin)];
    await say(ada, 'Hello <b>you</b>');
    for (const page of [ada, grace])
      await expect.poll(() => messages(page), patience).toEqual(['Somebody: Hello <b>you</b>']);
  });

  it('4: has rooms', async () => {
    const { origin } = await run(4);
    const window = await tabs();
    const [ada, grace] = [await open(window, origin), await open(window, `${origin}/#garden`)];
    await say(ada, 'In the lobby');
    await expect.poll(() => messages(ada), patience).toHaveLength(1);
    await ada.click('nav a[href="#garden"]');
    await expect.poll(() => ada.textContent('#title')).toBe('garden');
    await say(grace, 'In the garden');
    for (const page of [ada, grace])
      await expect.poll(() => messages(page), patience).toEqual(['Somebody: In the garden']);
  });

  it('5: keeps the last 50 messages', async () => {
    const { origin } = await run(5);
    const ada = await open(await tabs(), origin);
    for (let at = 0; at < 51; at++) await say(ada, String(at));
    await expect.poll(() => messages(ada), patience).toHaveLength(51);
    await ada.reload();
    await expect.poll(() => messages(ada), patience).toHaveLength(50);
    expect((await messages(ada))[0]).toBe('Somebody: 1');
  });

  it('6: knows who you are', async () => {
    const { origin } = await run(6);
    const [ada, grace] = await two(await tabs(), origin);
    await say(ada, 'Hello');
    await expect.poll(() => messages(grace), patience).toEqual(['Ada: Hello']);
  });

  it('7: says who is online', async () => {
    const { origin } = await run(7);
    const [ada, grace] = await two(await tabs(), origin);
    for (const page of [ada, grace])
      await expect.poll(() => people(page), patience).toEqual(['Ada', 'Grace']);
    await grace.click('nav a[href="#garden"]');
    await expect.poll(() => people(grace), patience).toEqual(['Grace']);
  });

  it('8: says who is typing', async () => {
    const { origin } = await run(8);
    const [ada, grace] = await two(await tabs(), origin);
    await grace.locator('#text').pressSequentially('Hi');
    await expect.poll(() => ada.textContent('#typing'), patience).toBe('Grace is typing …');
    await grace.press('#text', 'Enter');
    await expect.poll(() => messages(ada), patience).toEqual(['Grace: Hi']);
    expect(await ada.textContent('#typing')).toBe('');
  });

  it('9: has messages to one person', async () => {
    const { origin } = await run(9);
    const window = await tabs();
    const [ada, grace] = await two(window, origin);
    const other = await open(window, `${origin}/?name=Linus`);
    ada.on('dialog', (dialog) => void dialog.accept('Just for you'));
    await ada.getByRole('button', { name: 'Grace' }).click();
    for (const page of [ada, grace])
      await expect.poll(() => messages(page), patience).toEqual(['Ada to Grace: Just for you']);
    await say(ada, 'For all');
    await expect.poll(() => messages(other), patience).toEqual(['Ada: For all']);
  });

  it('10: loses nothing', async () => {
    const { origin, stop, start } = await run(10);
    const [ada, grace] = await two(await tabs(), origin);
    await say(ada, 'Before');
    await expect.poll(() => messages(ada), patience).toEqual(['Ada: Before']);
    stop();
    await expect.poll(() => ada.textContent('#status'), patience).toBe('No connection …');
    await say(ada, 'Meanwhile');
    await start();
    await expect.poll(() => messages(grace), patience).toContain('Ada: Meanwhile');
    await expect.poll(() => messages(ada), patience).toEqual(['Ada: Meanwhile']);
  });

  it('has under 300 lines in the browser, with 10 steps', () => {
    const last = new Map(Array.from({ length: 10 }, (_, at) => filesOf(at + 1)).flat());
    const lines = [...last].filter(([name]) => name.endsWith('.js') && name.startsWith('public/'));
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.reduce((sum, [, content]) => sum + content.split('\n').length, 0)).toBeLessThan(300);
  });
});
