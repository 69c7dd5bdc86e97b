import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../docs/free-port.ts';
import { onPort } from '../docs/program.ts';
import { patience } from './chat-page.ts';
import { hasChromium, type Tabs, tabs } from './chromium.ts';

const text = readFileSync('docs/guide/chat.md', 'utf8');

/** The files that a step gives, by name. */
function filesOf(step: number): [name: string, content: string][] {
  const part = text.split(/^## /m).find((one) => one.startsWith(`${step}. `)) ?? '';
  const files = part.matchAll(/^File `([^`]+)`:\n\n```\w+\n(.*?)\n```$/gms);
  return Array.from(files, ([, name = '', content = '']) => [name, content]);
}

const folder = mkdtempSync(join(tmpdir(), 'guide-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['express', 'cometd'])
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
  symlinkSync(resolve('.'), join(folder, 'node_modules/bayeuxd'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});

/** Writes the files of this step over those of the steps before, and runs the chat. */
async function run(step: number): Promise<{ origin: string; stop(): void; start(): Promise<void> }> {
  const port = await freePort();
  for (let at = 1; at <= step; at++)
    for (const [name, content] of filesOf(at)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), `${onPort(content, port)}\n`);
    }
  const origin = `http://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn(process.execPath, ['server.js'], { cwd: folder, stdio: 'inherit' });
    await expect
      .poll(
        () =>
          fetch(origin).then(
            ({ ok }) => ok,
            () => false,
          ),
        patience,
      )
      .toBe(true);
  };
  onTestFinished(() => void server?.kill());
  await start();
  return { origin, start, stop: () => void server?.kill() };
}

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
