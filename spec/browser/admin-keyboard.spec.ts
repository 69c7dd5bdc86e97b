import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { keys, opened, servedAdmin, textOf, textsOf, visitor } from './admin-page.ts';
import { patience } from './chat-page.ts';
import { hasChromium } from './chromium.ts';

/** What has the focus: its id, or its name. */
const focused = (page: Page) =>
  page.evaluate<string>(
    'document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.textContent.trim()',
  );

/** Presses a key until this has the focus. Fails after 40 times. */
async function tabTo(page: Page, name: string, key = 'Tab'): Promise<void> {
  const passed: string[] = [];
  for (let times = 0; times < 40; times += 1) {
    if ((await focused(page)) === name) return;
    passed.push(await focused(page));
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not come to ${name}, but to ${passed.join(', ')}`);
}

/** Goes back to a link or button above the view, and follows it. */
async function goTo(page: Page, name: string): Promise<void> {
  await tabTo(page, name, 'Shift+Tab');
  await page.keyboard.press('Enter');
}

describe.skipIf(!hasChromium)('the dashboard with the keyboard alone', () => {
  it('signs in, walks the views, ends a session, tails and publishes', async () => {
    const place = await servedAdmin();
    const { server } = place.host;
    const ann = await visitor(server, 'ann');
    await ann.subscribe('/chat/news');
    const { page } = await opened(place);
    const { keyboard } = page;

    // The field for the key has the focus.
    expect(await focused(page)).toBe('key');
    await keyboard.type(keys.boss.key);
    await keyboard.press('Enter');
    await page.waitForSelector('#nav:not([hidden])');

    // The heading of the view gets the focus.
    await expect.poll(() => focused(page), patience).toBe('title-overview');

    // After a reload, the first stop skips the links.
    await page.reload();
    await page.waitForSelector('#nav:not([hidden])');
    await keyboard.press('Tab');
    expect(await focused(page)).toBe('skip');
    expect(await page.locator('#skip').boundingBox()).toMatchObject({ x: expect.closeTo(8, 0) });
    await keyboard.press('Enter');
    expect(await focused(page)).toBe('main');

    // A branch of the tree closes and opens.
    await goTo(page, 'Channels');
    await expect.poll(() => focused(page), patience).toBe('title-channels');
    await page.waitForSelector('.tree summary');
    await tabTo(page, 'chat 1 below');
    await keyboard.press('Enter');
    await expect.poll(() => page.isVisible('.tree .leaf'), patience).toBe(false);
    await keyboard.press('Enter');
    await expect.poll(() => page.isVisible('.tree .leaf'), patience).toBe(true);

    // The tail begins by its link, and stops by its button.
    await tabTo(page, 'Tail: /chat/news');
    await keyboard.press('Enter');
    await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Listening');
    await tabTo(page, 'tail-toggle');
    await keyboard.press('Space');
    expect(await textOf(page, '#tail-said')).toMatch(/^Stopped/);

    await goTo(page, 'Publish');
    await tabTo(page, 'publish-channel');
    await keyboard.type('/chat/news');
    await keyboard.press('Tab');
    await keyboard.type('{"text": "typed"}');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expect.poll(() => textOf(page, '#publish-said'), patience).toContain('queued for 1 session.');

    // A session is found, opened and ended; the focus goes into the dialog and comes back.
    await goTo(page, 'Sessions');
    await tabTo(page, 'sessions-by');
    await keyboard.press('u');
    await keyboard.press('Tab');
    expect(await focused(page)).toBe('sessions-value');
    await keyboard.type('ann');
    await keyboard.press('Enter');
    await expect.poll(() => textsOf(page, '#session-list strong'), patience).toEqual(['ann']);
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    expect(await focused(page)).toContain(ann.session.id);
    await keyboard.press('Enter');
    await expect.poll(() => textOf(page, '#session-facts'), patience).toContain('ann');
    await tabTo(page, 'session-disconnect');
    await keyboard.press('Enter');
    await page.waitForSelector('#confirm[open]');
    await keyboard.press('Escape');
    await expect.poll(() => focused(page), patience).toBe('session-disconnect');
    expect(ann.session.state).not.toBe('gone');
    // A question that is asked again at once, before the browser tells that it was closed, waits for its own answer.
    await page.evaluate(`
      const [button, dialog] = ['session-disconnect', 'confirm'].map((id) => document.getElementById(id));
      button.click();
      dialog.close();
      button.click();
    `);
    await tabTo(page, 'confirm-yes');
    await keyboard.press('Enter');
    await expect.poll(() => textOf(page, '#session-said'), patience).toBe('1 session ended.');

    await goTo(page, 'sign-out');
    await expect.poll(() => focused(page), patience).toBe('key');
  });
});
