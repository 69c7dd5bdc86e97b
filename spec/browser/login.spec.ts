import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { pages } from '../../src/http/pages.ts';
import type { ServerSettings } from '../../src/index.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { run } from '../interop/child.ts';
import { type Hosting, host } from '../interop/host.ts';
import { isOpen, patience, servedChat, texts, write as say } from './chat-page.ts';
import { hasChromium, tabs } from './chromium.ts';
import { cutOff, faultsInAllWindows, sizes } from './page-faults.ts';

const secret = 'a secret of at least thirty-two bytes';
const transports = ['automatic', 'websocket', 'eventsource', 'long-polling'];
const channels = ['/chat/*', '/typing/*'];
const mayChat = { subscribe: channels, publish: channels, history: ['/chat/*'], call: ['/service/*'] };

/** The page of a server that asks for tokens. */
function guarded(settings: ServerSettings = {}): Promise<Hosting> {
  const { clock, ...options } = settings;
  return servedChat({ auth: { secret, clockTolerance: 0 }, ...options }, clock && { clock });
}

function token(bayeux: object = mayChat, now = Date.now()): Promise<string> {
  return new SignJWT({ sub: 'ann', bayeux, exp: Math.floor(now / 1000) + 600 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

const status = (page: Page) => page.textContent('#status');

/** The standard output of a command such as `npx bayeuxd …`. */
async function printed(command: string, env: Record<string, string>): Promise<string> {
  const args = ['bin/bayeuxd.js', ...command.replaceAll("'", '').split(' ').slice(2)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return stdout.trim();
}

async function logIn(page: Page, text: string): Promise<void> {
  await page.fill('#token', text);
  await page.press('#token', 'Enter');
}

describe.skipIf(!hasChromium)('the page of a server that asks for tokens', () => {
  it.each(transports)('takes a token from its address, and removes it there: %s', async (transport) => {
    const { origin, server } = await guarded();
    const window = await tabs();
    const page = await window.open(`${origin}/?transport=${transport}#token=${await token()}`);
    await isOpen(page);
    expect(page.url()).toBe(`${origin}/?transport=${transport}`);
    expect([...server.sessions].map(({ user }) => user?.id)).toEqual(['ann']);
    await say(page, 'Hello');
    await expect.poll(() => texts(page), patience).toEqual(['Hello']);
    expect(await page.textContent('#history')).toBe('History is on');
    await page.reload();
    await expect.poll(() => texts(page), patience).toEqual(['Hello']);
    expect(await page.isVisible('#login')).toBe(false);
    expect(window.complaints).toEqual([]);
  });

  it.each(transports)('asks for a token: %s', async (transport) => {
    const { origin } = await guarded();
    const page = await (await tabs()).open(`${origin}/?transport=${transport}`);
    await page.waitForSelector('#login:not([hidden])');
    expect(await status(page)).toBe('Not connected: token missing');
    expect(await page.isVisible('#compose')).toBe(false);
    await logIn(page, 'nonsense');
    await expect.poll(() => status(page), patience).toBe('Not connected: token invalid');
    await logIn(page, await token());
    await isOpen(page);
    expect(await page.isVisible('#login')).toBe(false);
    await say(page, 'Here I am');
    await expect.poll(() => texts(page), patience).toEqual(['Here I am']);
  });

  it.each(transports)('asks for another token when the first expires: %s', async (transport) => {
    const clock = new FakeClock();
    const { origin, server } = await guarded({ clock, timeout: 3_600_000, maxInterval: 3_600_000 });
    const address = `${origin}/?transport=${transport}#token=${await token(mayChat, clock.now())}`;
    const page = await (await tabs()).open(address);
    await isOpen(page);
    await expect.poll(() => page.textContent('#history'), patience).toBe('History is on');
    await clock.tick(600_000);
    expect([...server.sessions]).toEqual([]);
    await expect.poll(() => status(page), patience).toBe('Not connected: token expired');
    await logIn(page, await token(mayChat, clock.now()));
    await isOpen(page);
  });

  it('cuts nothing off, and has no fault that axe calls serious, while it asks for a token', async () => {
    const { origin } = await guarded();
    const page = await (await tabs({ bypassCSP: true })).open(origin);
    await page.waitForSelector('#login:not([hidden])');
    for (const size of sizes) {
      await page.setViewportSize(size);
      expect(await page.evaluate(cutOff), `${size.width} x ${size.height}`).toEqual([]);
    }
    expect(await faultsInAllWindows(page)).toEqual([]);
  });

  it('takes another token from a link that is followed later', async () => {
    const { origin, server } = await guarded();
    const page = await (await tabs()).open(origin);
    await page.waitForSelector('#login:not([hidden])');
    await page.goto(`${origin}/#token=${await token()}`);
    await isOpen(page);
    expect([...server.sessions].map(({ user }) => user?.id)).toEqual(['ann']);
  });

  it('sends no token by callback-polling, whose messages are in URLs', async () => {
    const asked: string[] = [];
    const place = await host(
      { auth: { secret } },
      {
        front: [
          (request, _response, next) => {
            asked.push(request.url);
            next();
          },
          pages('/bayeux', '1.2.3'),
        ],
      },
    );
    const text = await token();
    const page = await (await tabs()).open(`${place.origin}/?transport=callback-polling#token=${text}`);
    await page.waitForSelector('#login:not([hidden])');
    expect(await status(page)).toBe('Not connected: token missing');
    expect(asked.some((url) => url.includes('handshake'))).toBe(true);
    expect(asked.filter((url) => url.includes(text))).toEqual([]);
    await page.selectOption('#transport', 'long-polling');
    await isOpen(page);
  });

  it('chats without the history when the token does not grant it', async () => {
    const { origin } = await guarded();
    const bayeux = { subscribe: ['/chat/*'], publish: ['/chat/*'] };
    const page = await (await tabs()).open(`${origin}/#token=${await token(bayeux)}`);
    await expect.poll(() => page.textContent('#history'), patience).toContain('History is off');
    await say(page, 'Hello');
    await expect.poll(() => texts(page), patience).toEqual(['Hello']);
  });

  it('works as the program serves it, with a token that the program makes', async () => {
    const env = { BAYEUXD_AUTH_SECRET: secret };
    const { origin } = await run('bin/bayeuxd.js', { ...env, BAYEUXD_PORT: '0' });
    const page = await (await tabs()).open(origin);
    const command = (await page.locator('#login code').textContent()) ?? '';
    await page.waitForSelector('#login:not([hidden])');
    await logIn(page, await printed(command, env));
    await isOpen(page);
    await say(page, 'Hello');
    await expect.poll(() => texts(page), patience).toEqual(['Hello']);
    expect(await page.textContent('#history')).toBe('History is on');
  });
});
