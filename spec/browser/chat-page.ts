import type { Page } from 'playwright-core';
import { chatPolicy, withChatOptions } from '../../src/cli/chat-demo.ts';
import { pages } from '../../src/http/pages.ts';
import type { ServerSettings } from '../../src/index.ts';
import { resolveOptions } from '../../src/server-options.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';
import { library } from './library.ts';
import { type Hosting, host } from '../interop/host.ts';

export const patience = { timeout: 15_000, interval: 20 };
export const version = '1.2.3';
export const lobby = '/chat/lobby';

/** The page with what the program adds for it, on a server with these options. */
export function servedChat(options: ServerOptions = {}, settings: ServerSettings = {}): Promise<Hosting> {
  const withRules = withChatOptions(resolveOptions(options), new Map());
  const policy = chatPolicy(options.auth === undefined);
  return host({ ...withRules, policy, ...settings }, { front: [library, pages('/bayeux', version)] });
}

export async function isOpen(page: Page): Promise<void> {
  await page.waitForSelector('#status[data-state=open]');
}

/** Changes the name of a guest, if it is another one. */
export async function rename(page: Page, name: string): Promise<void> {
  if ((await page.inputValue('#name')) === name) return;
  const opener = page.locator('.opener[popovertarget=people]');
  const isHidden = await opener.isVisible();
  if (isHidden) await opener.click();
  await page.fill('#name', name);
  await page.press('#name', 'Enter');
  if (isHidden) await page.keyboard.press('Escape');
  await isOpen(page);
}

/** Writes a message in the room or to the person that is shown. */
export async function write(page: Page, text: string): Promise<void> {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

/** The text of each entry of a list. */
export const entries = (page: Page, list: string) =>
  page.$$eval(`#${list} li`, (items) =>
    items.map((item) =>
      [item.querySelector('.label'), item.querySelector('small')]
        .map((part) => part?.textContent ?? '')
        .filter((text) => text !== '')
        .join(', '),
    ),
  );

export const texts = (page: Page) =>
  page.$$eval('#messages .text', (all) => all.map((one) => one.textContent));
