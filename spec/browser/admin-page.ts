import express, { type RequestHandler } from 'express';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { type ApiKey, api, dashboard, type Server, type ServerSettings } from '../../src/index.ts';
import { FakeClient } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';
import { type Hosting, host } from '../interop/host.ts';
import { type Tabs, tabs } from './chromium.ts';

/** Keys of the dashboard's visitors. */
export const keys = {
  boss: { name: 'boss', key: 'a-key-with-all-rights', rights: ['admin'] },
  reader: { name: 'reader', key: 'a-key-that-only-reads', rights: ['read'], channels: ['/**'] },
  narrow: { name: 'narrow', key: 'a-key-for-the-chat', rights: ['read'], channels: ['/chat/**'] },
  writer: { name: 'writer', key: 'a-key-that-publishes', rights: ['publish'], channels: ['/chat/**'] },
} as const satisfies Record<string, ApiKey>;

/** A place with the dashboard, whose list of keys can be changed. */
export interface Place {
  readonly host: Hosting;
  readonly url: string;
  keys: readonly ApiKey[];
}

/** Users are who they say they are. Sessions do not end by silence. */
const settings: ServerSettings = {
  journal: true,
  maxInterval: 3_600_000,
  maxQueue: 2,
  queueOverflow: 'dropOldest',
  policy: {
    canHandshake: ({ message: { ext } }) =>
      typeof ext?.user === 'string' ? { allow: true, user: ext.user } : true,
  },
};

/** Serves the dashboard, the HTTP API and Bayeux, as the program does. */
export async function servedAdmin(more: ServerSettings = {}): Promise<Place> {
  const routers = new Map<Server, RequestHandler>();
  // The server of a host is another one after a restart.
  const serveApi: RequestHandler = (req, res, next) => {
    const { server } = place.host;
    const router = routers.get(server) ?? api(server, { keys: () => place.keys });
    routers.set(server, router);
    return router(req, res, next);
  };
  const front = express.Router().use('/api', serveApi).use('/admin', dashboard());
  const made = await host({ ...settings, ...more }, { front: [front] });
  const place: Place = { host: made, url: `${made.origin}/admin/`, keys: Object.values(keys) };
  return place;
}

/** Opens the dashboard in a browser of its own. */
export async function opened(
  { url }: Pick<Place, 'url'>,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly window: Tabs }> {
  const window = await tabs(options);
  return { page: await window.open(url), window };
}

/** Opens the dashboard, and signs in. */
export async function signedIn(place: Place, who: keyof typeof keys, options: BrowserContextOptions = {}) {
  const made = await opened(place, options);
  await signIn(made.page, keys[who].key);
  await made.page.waitForSelector('#nav:not([hidden])');
  return made;
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.fill('#key', key);
  await page.press('#key', 'Enter');
}

/** A session of a user, whose socket takes what is sent. */
export function visitor(server: Server, user: string): Promise<FakeClient> {
  return FakeClient.open(server, socket(), { ext: { user } });
}

/** The text of the one that this selector finds, its spaces joined. */
export const textOf = async (page: Page, selector: string): Promise<string> =>
  ((await page.textContent(selector)) ?? '').replaceAll(/\s+/g, ' ').trim();

export const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (all) => all.map((one) => one.textContent?.replaceAll(/\s+/g, ' ').trim() ?? ''));
