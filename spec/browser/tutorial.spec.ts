import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPage } from '../docs/markdown.ts';
import { type Command, commandsOf, keeps, onPort } from '../docs/program.ts';
import { runCommand } from '../docs/run-commands.ts';
import { patience } from './chat-page.ts';
import { hasChromium, tabs } from './chromium.ts';
import { guideIn } from './guided.ts';

const file = 'docs/tutorial.md';
const { filesOf, run } = guideIn(file);
const key = 'a-key-for-the-docs';

/** A command of a step, by how it begins. */
function command(step: number, begins: string): Command {
  const blocks = readPage(file).blocks.filter(({ heading }) => heading.startsWith(`${step}. `));
  const commands = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf);
  const found = commands.find(({ text }) => text.startsWith(begins));
  if (found === undefined) throw new Error(`step ${step} of ${file} has no command ${begins}`);
  return found;
}

const orders = (page: Page) => page.$$eval('#orders li', (all) => all.map((one) => one.textContent));
const connected = (page: Page) => expect.poll(() => page.textContent('#status'), patience).toBe('Connected');

/** Sends an order as the back end does. */
async function order(port: number): Promise<void> {
  const sent = command(3, 'curl');
  expect(keeps(sent.prints, await runCommand(sent, port, { KEY: key }))).toBe(true);
}

describe.skipIf(!hasChromium)('the tutorial', () => {
  it('1: passes an event from one terminal to another', async () => {
    const { port } = await run(1);
    const { text } = command(1, 'npx bayeuxd subscribe');
    const line = onPort(text, port).replace('npx bayeuxd', 'exec node bin/bayeuxd.js');
    const terminal = spawn('sh', ['-c', line]);
    onTestFinished(() => void terminal.kill());
    let said = '';
    terminal.stderr.on('data', (chunk) => (said += chunk));
    await expect.poll(() => said, patience).toContain('subscribed to');
    const heard = once(terminal.stdout, 'data');
    await runCommand(command(1, 'npx bayeuxd publish'), port, {});
    expect(String(await heard)).toContain('{"table":5,"dish":"soup"}');
  });

  it('2: shows an event on each page', async () => {
    const { port, origin } = await run(2);
    const window = await tabs();
    const pages = [await window.open(origin), await window.open(origin)];
    for (const page of pages) await connected(page);
    await runCommand(command(1, 'npx bayeuxd publish'), port, {});
    for (const page of pages) await expect.poll(() => orders(page), patience).toEqual(['Table 5: soup']);
    expect(window.complaints.filter((one) => !one.includes('404'))).toEqual([]);
  });

  it('3: takes orders from a back end', async () => {
    const { port, origin } = await run(3, { KEY: key });
    const page = await (await tabs()).open(origin);
    await connected(page);
    await order(port);
    await expect.poll(() => orders(page), patience).toEqual(['Table 7: fish']);
  });

  it('4: lets nobody else publish', async () => {
    const { port, origin } = await run(4, { KEY: key });
    const page = await (await tabs()).open(origin);
    await connected(page);
    const refused = runCommand(command(4, 'npx bayeuxd publish'), port, {});
    await expect(refused).rejects.toThrow('403:/orders/new:publish_denied');
    await order(port);
    await expect.poll(() => orders(page), patience).toEqual(['Table 7: fish']);
  });

  it('5: shows what came before, and nothing twice', async () => {
    const { port, origin } = await run(5, { KEY: key });
    for (let at = 0; at < 21; at += 1) await order(port);
    const page = await (await tabs()).open(origin);
    await connected(page);
    await expect.poll(() => orders(page), patience).toHaveLength(20);
    await order(port);
    await expect.poll(() => orders(page), patience).toHaveLength(21);
  });

  it('has five steps, each with files', () => {
    for (let step = 1; step <= 5; step += 1) expect(filesOf(step)).not.toHaveLength(0);
    expect(filesOf(6)).toEqual([]);
  });
});
