// Takes the screenshots of the dashboard in docs/images/ again, from the build in `dist`. Needs Chromium, and takes two minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../', import.meta.url));
const program = `${root}bin/bayeuxd.js`;
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const KEY = 'a-key-for-the-screenshots';
/** Loads that overlap: the URL of Bayeux, subscribers and events a second. */
const loads = [
  ['ws', 60, 40],
  ['http', 15, 4],
];
/** Samples in the picture, one every two seconds. */
const SAMPLES = 28;

const env = { ...process.env, BAYEUXD_API_KEY: KEY, BAYEUXD_LOG_LEVEL: 'silent' };
const children = [];
const browser = await chromium.launch({
  executablePath: browsers.find(existsSync),
  args: ['--headless', '--no-sandbox'],
});
try {
  const url = await urlOf(start('--port', '0'));
  for (const [scheme, subscribers, rate] of loads) {
    const sizes = ['--subscribers', subscribers, '--rate', rate, '--size', 200, '--time', 120];
    start('bench', `${url.replace('http', scheme)}/bayeux`, ...sizes);
  }
  await Promise.all([picture(url, 'light', 'dashboard.png'), picture(url, 'dark', 'dashboard-dark.png')]);
} finally {
  await browser.close();
  for (const child of children) child.kill();
}

function start(...args) {
  const child = spawn(process.execPath, [program, ...args.map(String)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function urlOf(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /Dashboard +(http:\S+)\/admin/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  const [code] = await once(child, 'exit');
  throw new Error(`the server ended with ${code}`);
}

async function picture(url, colorScheme, file) {
  const viewport = { width: 1280, height: 980 };
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 0.75 });
  const page = await context.newPage();
  let answers = 0;
  page.on('response', (response) => {
    if (response.url().endsWith('/api/stats')) answers += 1;
  });
  await page.goto(`${url}/admin/`);
  await page.fill('#key', KEY);
  await page.press('#key', 'Enter');
  while (answers < SAMPLES) await page.waitForResponse(/\/api\/stats$/);
  await page.screenshot({ path: `${root}docs/images/${file}` });
}
