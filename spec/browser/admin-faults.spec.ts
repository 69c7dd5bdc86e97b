import { describe, expect, it } from 'vitest';
import type { ApiKey } from '../../src/index.ts';
import { keys, opened, servedAdmin, signedIn, signIn, textOf, textsOf, visitor } from './admin-page.ts';
import { patience } from './chat-page.ts';
import { hasChromium } from './chromium.ts';
import type { Page } from 'playwright-core';
import { faultsInBothSchemes, sizes } from './page-faults.ts';

const hostile = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';

/** In the two sizes of windows that the dashboard is made for, light and dark. */
async function faultsIn(page: Page, view: string): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const size of sizes.slice(0, 2)) {
    await page.setViewportSize(size);
    faults.push(...(await faultsInBothSchemes(page)).map((fault) => `${view}, ${size.width}, ${fault}`));
  }
  return faults;
}

describe.skipIf(!hasChromium)('the dashboard', () => {
  it('has no fault that axe calls serious, in any view or window', async () => {
    const place = await servedAdmin();
    const { server } = place.host;
    const ann = await visitor(server, 'ann');
    await ann.subscribe(['/chat/news', '/chat/**']);
    const { page } = await opened(place, { bypassCSP: true });
    const faults = [...(await faultsIn(page, 'sign in'))];
    await signIn(page, keys.boss.key);
    await page.waitForSelector('.empty', { state: 'hidden' });
    const check = async (view: string) => faults.push(...(await faultsIn(page, view)));
    await check('overview');
    for (const [view, ready] of [
      ['channels', '.tree li'],
      ['sessions', '#session-list li'],
      [`session?id=${ann.session.id}`, '#session-facts dt'],
      ['publish', '#publish'],
      [`explain?channel=/chat/Other&session=${ann.session.id}`, '#findings li'],
      ['tail?channel=/chat/**', '#tail-said:has-text("Listening")'],
    ] as const) {
      await page.goto(`${place.url}#${view}`);
      await page.waitForSelector(ready);
      if (view.startsWith('tail')) {
        await ann.publish('/chat/news', { text: 'hello' });
        await page.waitForSelector('#tail-list li');
      }
      await check(view);
    }
    await page.goto(`${place.url}#session?id=${ann.session.id}`);
    await page.click('#session-disconnect');
    await check('dialog');
    expect(faults).toEqual([]);
  }, 60_000);

  it('shows hostile names and data as text', async () => {
    const place = await servedAdmin({ channelNames: 'cometd' });
    const { server } = place.host;
    const ann = await visitor(server, hostile);
    // Names of channels have no angle brackets.
    const channel = '/a/{onerror} #+.~!()$@/img src';
    await ann.subscribe(channel);
    const { page, window } = await signedIn(place, 'boss');
    await page.goto(`${place.url}#tail?channel=/**`);
    await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Listening');
    await ann.publish(channel, { text: hostile });
    await expect
      .poll(() => textsOf(page, '#tail-list pre'), patience)
      .toEqual([JSON.stringify({ text: hostile })]);
    expect(await textsOf(page, '#tail-list .from')).toEqual([`from ${hostile}`]);
    await page.goto(`${place.url}#sessions`);
    await expect.poll(() => textsOf(page, '#session-list strong'), patience).toEqual([hostile]);
    await page.click('#session-list a');
    await expect.poll(() => textOf(page, '#session-facts'), patience).toContain(hostile);
    await page.goto(`${place.url}#channels`);
    await expect.poll(() => textsOf(page, '.tree .name'), patience).toContain('img src');
    const attack = encodeURIComponent(hostile);
    await page.goto(`${place.url}#explain?channel=/a&user=${attack}`);
    await expect.poll(() => textOf(page, '#explain-said'), patience).toContain(hostile);
    for (const view of [
      attack,
      `session?id=${attack}`,
      `sessions?by=user&value=${attack}`,
      `tail?channel=${attack}`,
    ])
      await page.goto(`${place.url}#${view}`);
    await expect.poll(() => textOf(page, '#tail-said'), patience).toMatch(/^Channel must/);
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(await page.$$('main img, main script')).toEqual([]);
    expect(window.complaints.filter((text) => !/status of 40[04]/.test(text))).toEqual([]);
  });

  it('is kept from making HTML of text, and from other origins, by its policy', async () => {
    const { page, window } = await signedIn(await servedAdmin(), 'boss');
    const tried = (code: string) => page.evaluate(`(async () => { ${code} })().then(() => 'done', String)`);
    expect(await tried("document.body.innerHTML = '<b>x</b>'")).toContain('TrustedHTML');
    expect(await tried("await fetch('https://elsewhere.test/')")).toContain('Failed to fetch');
    expect(window.complaints.join()).toContain('Content Security Policy');
  });

  it('says when the server is gone, and goes on by itself when it is back', async () => {
    const place = await servedAdmin();
    const { page } = await signedIn(place, 'boss');
    await page.goto(`${place.url}#tail?channel=/a`);
    await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Listening');
    await place.host.stop();
    await expect
      .poll(() => textOf(page, '#state'), patience)
      .toMatch(/^The server does not answer. Next try in \d+ s$/);
    await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Trying again');
    await place.host.start();
    await expect.poll(() => textOf(page, '#state'), patience).toBe('Live');
    await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Listening');
    await place.host.server.publish('/a', 'back');
    await expect.poll(() => textsOf(page, '#tail-list pre'), patience).toEqual(['"back"']);
  });

  it('says when this device is offline', async () => {
    const { page } = await signedIn(await servedAdmin(), 'boss');
    await page.context().setOffline(true);
    await expect.poll(() => textOf(page, '#state'), patience).toContain('This device is offline');
    await page.context().setOffline(false);
    await expect.poll(() => textOf(page, '#state'), patience).toBe('Live');
  });

  it('says when the server drains', async () => {
    const place = await servedAdmin({ drain: { window: 60_000 } });
    await visitor(place.host.server, 'ann');
    const { page } = await signedIn(place, 'boss');
    void place.host.server.close();
    await expect.poll(() => textOf(page, '#state'), patience).toMatch(/^Draining/);
    // A second call ends the drain.
    await place.host.server.close();
    await expect.poll(() => textOf(page, '#state'), patience).toMatch(/^The server is closed/);
  });

  it('signs the visitor out, and says why, when the key does not count any more', async () => {
    const place = await servedAdmin();
    const { page } = await signedIn(place, 'boss');
    await page.waitForSelector('#tiles dt');
    place.keys = [keys.reader];
    await expect.poll(() => textOf(page, '#problem'), patience).toMatch(/^The API key is missing or wrong/);
    expect(await page.isVisible('#sign-in')).toBe(true);
    expect(await page.$$('#tiles dt')).toEqual([]);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('shows less when the key has fewer rights than before', async () => {
    const place = await servedAdmin();
    const { page } = await signedIn(place, 'boss');
    await page.waitForSelector('#tiles dt');
    const less: ApiKey = { ...keys.boss, rights: ['read'], channels: ['/chat/**'] };
    place.keys = [less];
    await expect
      .poll(() => textsOf(page, 'nav a:not([hidden])'), patience)
      .toEqual(['Channels', 'Live tail', 'Explain']);
    await expect.poll(() => textOf(page, '#state'), patience).toBe('Live');
  });

  it('tells why a key is refused, and to wait after too many', async () => {
    const { page } = await opened(await servedAdmin());
    await signIn(page, 'two wörds');
    expect(await textOf(page, '#problem')).toMatch(/^This is no key or token/);
    await signIn(page, 'wrong');
    await expect.poll(() => textOf(page, '#problem'), patience).toMatch(/^The API key is missing or wrong/);
    for (let n = 0; n < 20; n += 1)
      await page.evaluate("fetch('../api/me', { headers: { 'X-API-Key': 'wrong' } })");
    await signIn(page, keys.boss.key);
    await expect.poll(() => textOf(page, '#problem'), patience).toMatch(/^Too many wrong API keys/);
  });

  it('says what is missing when the key has no right', async () => {
    const secret = 'a secret of at least thirty-two bytes';
    const { SignJWT } = await import('jose');
    const token = await new SignJWT({ sub: 'ann', exp: Math.floor(Date.now() / 1000) + 600 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret));
    const { page } = await opened(await servedAdmin({ auth: { secret } }));
    const asked: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/api/')) asked.push(request.headers().authorization);
    });
    await signIn(page, token);
    await expect.poll(() => textOf(page, '#problem'), patience).toMatch(/^This key has no right/);
    await signIn(page, 'wrong');
    await expect.poll(() => textOf(page, '#problem'), patience).toMatch(/^The API key is missing or wrong/);
    expect(asked).toEqual([`Bearer ${token}`, 'Bearer wrong']);
  });
});
