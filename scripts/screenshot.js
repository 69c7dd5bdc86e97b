// Takes the screenshots of the chat page in docs/images/ again, from the build in `dist`. Needs Chromium.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../', import.meta.url));
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const talk = [
  ['Ada', 'Good morning! Did the deploy go through?'],
  ['Grace', 'It did, at 9:40. The dashboard is green again.'],
  ['Ada', 'Wonderful. I unplugged my router to see what happens.'],
  ['Grace', 'And?'],
  ['Ada', 'The page said so at once, and sent my message when I was back.'],
  ['Grace', 'That is what I wanted to hear. Coffee?'],
];

mkdirSync(`${root}docs/images`, { recursive: true });
const browser = await chromium.launch({
  executablePath: browsers.find(existsSync),
  args: ['--headless', '--no-sandbox'],
});
try {
  for (const [colorScheme, file] of [
    ['light', 'chat.png'],
    ['dark', 'chat-dark.png'],
  ])
    await picture(colorScheme, `${root}docs/images/${file}`);
} finally {
  await browser.close();
}

/** Three people chat, each in a tab; takes a screenshot of the first tab. A new server each time has no earlier messages. */
async function picture(colorScheme, path) {
  const server = spawn(process.execPath, [`${root}bin/bayeuxd.js`, '--port', '0']);
  const exited = once(server, 'exit');
  try {
    const url = await urlOf(server.stdout);
    const viewport = { width: 1280, height: 800 };
    const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 0.75 });
    const tabs = {};
    for (const name of ['Ada', 'Grace', 'Linus']) {
      tabs[name] = await context.newPage();
      await tabs[name].goto(url);
      await tabs[name].fill('#name', name);
      await tabs[name].press('#name', 'Enter');
      await tabs.Ada.locator('#people-list .label', { hasText: name }).waitFor();
    }
    for (const [at, [name, text]] of talk.entries()) {
      await write(tabs[name], text);
      for (const tab of Object.values(tabs)) await tab.locator('#messages li').nth(at).waitFor();
    }
    await tabs.Linus.locator('#people-list a', { hasText: 'Ada' }).click();
    await write(tabs.Linus, 'There is cake in the kitchen. I tell nobody else.');
    await tabs.Ada.locator('#messages li[data-kind=direct]').waitFor();
    await tabs.Grace.locator('#text').pressSequentially('At');
    await tabs.Ada.locator('#typing:not(:empty)').waitFor();
    await tabs.Ada.screenshot({ path });
  } finally {
    server.kill();
    await exited;
  }
}

async function write(tab, text) {
  await tab.fill('#text', text);
  await tab.press('#text', 'Enter');
}

async function urlOf(output) {
  let text = '';
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const url = /Chat +(\S+)/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended: ${text}`);
}
