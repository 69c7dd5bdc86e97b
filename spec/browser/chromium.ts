import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, onTestFinished } from 'vitest';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

/** Whether the browser specs can run; says why when they cannot. */
export const hasChromium = executablePath !== undefined;
if (!hasChromium) process.stderr.write('browser specs skipped: no Chromium is installed (npm run setup)\n');

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Names that are no localhost: only there is a page on plain HTTP one that the browser says nothing about.
  '--host-resolver-rules=MAP *.test 127.0.0.1',
];

let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

const launchOptions = { ...(executablePath !== undefined && { executablePath }), args };

async function newContext(options: BrowserContextOptions): Promise<BrowserContext> {
  browser ??= chromium.launch(launchOptions);
  return (await browser).newContext(options);
}

let shared: Promise<Page> | undefined;

/** The one page that all tests of a file may use in turn: going somewhere else leaves nothing of the last one behind. */
export async function sharedPage(url: string): Promise<Page> {
  shared ??= newContext({}).then((context) => context.newPage());
  const page = await shared;
  await page.goto(url);
  return page;
}

/** A browser of its own: its pages share cookies, as tabs do. */
export interface Tabs {
  open(url: string): Promise<Page>;
  /** What the pages complained about: errors, and violations of their policy. */
  readonly complaints: readonly string[];
}

/** Opens a browser that lasts as long as the test. */
export async function tabs(options: BrowserContextOptions = {}): Promise<Tabs> {
  const context = await newContext(options);
  onTestFinished(() => context.close());
  return tabsIn(context);
}

/** A browser of its own, whose process can be killed. */
export async function doomedBrowser(): Promise<Tabs & { kill(): Promise<void> }> {
  const process = await chromium.launchServer(launchOptions);
  onTestFinished(() => process.kill());
  const own = await chromium.connect(process.wsEndpoint());
  return { ...tabsIn(await own.newContext()), kill: () => process.kill() };
}

function tabsIn(context: BrowserContext): Tabs {
  const complaints: string[] = [];
  context.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  context.on('weberror', (error) => void complaints.push(String(error.error())));
  return {
    complaints,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
  };
}
